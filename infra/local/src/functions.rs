//! Where the handlers run: in this process, or each as a function of its own
//! (`watch`).

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use aws_lambda_events::sqs::SqsBatchResponse;
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
    /// Gives a queue's messages to the worker.
    pub async fn run_test(&self, event: Value) -> anyhow::Result<SqsBatchResponse> {
        match self {
            Self::Here(app) => {
                let event = serde_json::from_value(event).context("a message doesn't make an event")?;
                // A task of its own: a worker that panics must not stop the pump. Its
                // message stays hidden and its run is recovered, as after a crash.
                let worked = tokio::spawn(functions::jobs::run_test::handle(app, event)).await;
                worked.context("the worker died")?.map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => Ok(serde_json::from_value(watch.invoke("run-test", &event).await?)?),
        }
    }

    /// Gives a queue's messages to the imports' worker.
    pub async fn import_articles(&self, event: Value) -> anyhow::Result<SqsBatchResponse> {
        match self {
            Self::Here(app) => {
                let event = serde_json::from_value(event).context("a message doesn't make an event")?;
                // A task of its own, as that of a run.
                let worked = tokio::spawn(functions::jobs::import_articles::handle(app, event)).await;
                worked.context("the worker died")?.map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => {
                Ok(serde_json::from_value(watch.invoke("import-articles", &event).await?)?)
            }
        }
    }

    /// Looks for runs and imports that fell between.
    pub async fn recover_runs(&self) -> anyhow::Result<()> {
        match self {
            Self::Here(app) => {
                let recovered = functions::jobs::recover_runs::handle(app, Value::Null).await;
                recovered.map(drop).map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke("recover-runs", &scheduled()).await.map(drop),
        }
    }

    /// Collects the feeds that are due.
    pub async fn collect_feeds(&self) -> anyhow::Result<()> {
        match self {
            Self::Here(app) => {
                let collected = functions::jobs::collect_feeds::handle(app, Value::Null).await;
                collected.map(drop).map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke("collect-feeds", &scheduled()).await.map(drop),
        }
    }

    /// Tells of records of the drafts table's stream.
    pub async fn drafts_cleanup(&self, event: Value) -> anyhow::Result<()> {
        match self {
            Self::Here(app) => {
                let event = serde_json::from_value(event).context("records make no event")?;
                let cleaned = functions::jobs::drafts_cleanup::handle(app, event).await;
                cleaned.map(drop).map_err(|error| anyhow!(error))
            }
            Self::Watched(watch) => watch.invoke("drafts-cleanup", &event).await.map(drop),
        }
    }
}

/// What a schedule sends.
fn scheduled() -> Value {
    json!({"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": {}})
}
