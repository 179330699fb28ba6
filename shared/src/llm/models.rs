//! The models a deployment has, and whether they can answer yet.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;

use super::client::Client;
use super::deadlines::Deadlines;
use super::error::ModelError;
use super::readiness::Readiness;
use crate::domain::model::Model;

/// A model that shares this machine's cores may pause this long.
const SLOW_SILENCE: Duration = Duration::from_secs(120);

/// How long models are waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In one call, whose caller may have less time.
    pub call: Deadlines,
    /// Before a run is taken up anew, when its model limits the rate of
    /// requests and doesn't say for how long.
    pub rate_limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { call: Deadlines::within(Duration::MAX), rate_limit: Duration::from_secs(30) }
    }
}

/// The configured models, the default one first, and the client for them.
#[derive(Debug)]
pub struct Models {
    list: Vec<Model>,
    patience: Patience,
    starting: Option<watch::Receiver<Readiness>>,
    client: OnceLock<Client>,
}

impl Models {
    /// Models that are ready.
    pub fn ready(list: Vec<Model>) -> Self {
        Self { list, patience: Patience::default(), starting: None, client: OnceLock::new() }
    }

    /// Models that all share one server, which may still be starting.
    pub fn starting(list: Vec<Model>, readiness: watch::Receiver<Readiness>) -> Self {
        Self { starting: Some(readiness), ..Self::ready(list) }
    }

    /// The same, waited for as `patience` says.
    pub fn with_patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    /// How long they are waited for.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// How long each part of a call to `model` may take, when its caller has `total`.
    pub fn deadlines(&self, model: &Model, total: Duration) -> Deadlines {
        let total = total.min(self.patience.call.total);
        let usual = if model.slow {
            Deadlines { first_token: total, thinking: total, silence: SLOW_SILENCE, total }
        } else {
            Deadlines { total, ..self.patience.call }
        };
        let manner = &model.manner;
        Deadlines {
            first_token: manner.first_token.unwrap_or(usual.first_token),
            thinking: manner.first_token.map_or(usual.thinking, |told| told.max(usual.thinking)),
            silence: manner.silence.unwrap_or(usual.silence),
            total,
        }
    }

    /// All of them, the default one first.
    pub fn all(&self) -> &[Model] {
        &self.list
    }

    /// The model of this id, or the default one for `None`.
    pub fn find(&self, id: Option<&str>) -> Option<&Model> {
        match id {
            None => self.list.first(),
            Some(id) => self.list.iter().find(|model| model.id == id),
        }
    }

    /// Whether they can answer now.
    pub fn readiness(&self) -> Readiness {
        self.starting.as_ref().map_or(Readiness::Ready, |starting| starting.borrow().clone())
    }

    /// Waits until they can answer or can't be started, for `patience` at most.
    pub async fn settled(&self, patience: Duration) -> Readiness {
        if let Some(starting) = &self.starting {
            let mut starting = starting.clone();
            let settled = starting.wait_for(|readiness| !matches!(readiness, Readiness::Starting { .. }));
            let _ = tokio::time::timeout(patience, settled).await;
        }
        self.readiness()
    }

    /// The client for them.
    pub fn client(&self) -> Result<&Client, ModelError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = Client::new().map_err(|error| ModelError::Unreachable(error.to_string()))?;
        Ok(self.client.get_or_init(|| client))
    }
}
