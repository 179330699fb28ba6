//! What HTTP doesn't call.

pub mod drafts_cleanup;
pub mod recover_runs;
pub mod run_test;
