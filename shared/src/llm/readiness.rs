//! Whether a model can answer yet. Only the local machine's bundled model
//! takes time to start; models elsewhere are taken to be ready.

/// Where a model stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// It answers.
    Ready,
    /// It is being downloaded or loaded.
    Starting {
        /// How far it is, for a person.
        detail: String,
    },
    /// It can't be started.
    Failed {
        /// Why and what to do, for a person.
        detail: String,
    },
}
