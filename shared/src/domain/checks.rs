//! INTERIM
use super::run::UsedArticle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
/// x
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checks {
    /// x
    pub words: u32,
}
/// x
pub fn check(_p: &str, a: &str, _u: &[UsedArticle]) -> Checks {
    Checks { words: a.split_whitespace().count() as u32 }
}
