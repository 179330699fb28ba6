//! Where the handlers run: in this process, or each as a function of its own
//! (`watch`).

use std::path::PathBuf;
use std::sync::Arc;

use ::functions::job::Job;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use shared::app::App;

use crate::watch::Watch;

/// Where the handlers are to run.
pub enum Handlers {
    /// In this process.
    Here,
    /// Each in a process of its own, built anew when its source changes.
    Watched {
        /// Where cargo and the functions print; with nothing, where this process prints.
        log: Option<PathBuf>,
    },
}

/// The functions, wherever they run.
#[derive(Clone)]
pub(crate) enum Functions {
    Here(&'static App),
    Watched(Arc<Watch>),
}

impl Functions {
    /// Calls a job with an event as Lambda gives it; what Lambda reads of its answer.
    pub async fn invoke(&self, job: &'static Job, event: Value) -> anyhow::Result<Value> {
        match self {
            Self::Here(app) => {
                // A task of its own: a job that panics must not stop what calls it. A message stays
                // hidden then and its run is recovered, as after a crash.
                let worked = tokio::spawn((job.handle)(app, event)).await;
                worked.with_context(|| format!("{} died", job.binary))?.map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke(job.binary, &event).await,
        }
    }
}

/// What a schedule sends.
pub(crate) fn scheduled() -> Value {
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})
}
