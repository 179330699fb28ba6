//! Every route of the Prompt Workshop: one file in this library, one binary
//! over it. [`routes`] and [`jobs::JOBS`] are what everything else reads.

pub mod job;
pub mod jobs;
pub mod may;
mod prelude;
pub mod route;

use route::{Placed, Route};

/// The resources: one module each, which has `ROUTES`.
macro_rules! resources {
    ($($resource:ident),* $(,)?) => {
        $(pub mod $resource;)*

        /// The routes of each resource.
        const RESOURCES: &[&[Placed]] = &[$($resource::ROUTES),*];
    };
}

resources! { drafts, tests, chat, prompts, topics, articles, imports, feeds }

route::routes! { models, metrics, health, openapi }

/// All routes that HTTP calls, and where the code of each is.
pub fn placed() -> impl Iterator<Item = &'static Placed> + Clone {
    RESOURCES.iter().copied().flatten().chain(ROUTES)
}

/// All routes that HTTP calls.
pub fn routes() -> impl Iterator<Item = &'static Route> + Clone {
    placed().map(|placed| placed.route)
}
