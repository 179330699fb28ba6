//! The rules of the product: types and pure functions. Knows no HTTP and no AWS.

pub mod article;
pub mod checks;
pub mod clean;
pub mod conversation;
pub mod copies;
pub mod dates;
pub mod draft;
pub mod ending;
pub mod figures;
pub mod identity;
pub mod import;
pub mod large_import;
pub mod model;
pub mod prompt;
pub mod records;
pub mod removal;
pub mod run;
pub mod sample;
pub mod search;
pub mod signature;
pub mod text;
pub mod time;
pub mod time_phrase;
pub mod words;
