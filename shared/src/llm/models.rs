//! The models a deployment has, and whether they can answer yet.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;

use super::client::Client;
use super::client::ModelError;
use super::readiness::Readiness;
use crate::domain::model::Model;

/// The configured models, the default one first, and the client for them.
#[derive(Debug)]
pub struct Models {
    list: Vec<Model>,
    starting: Option<watch::Receiver<Readiness>>,
    client: OnceLock<Client>,
}

impl Models {
    /// Models that are ready.
    pub fn ready(list: Vec<Model>) -> Self {
        Self { list, starting: None, client: OnceLock::new() }
    }

    /// Models that all share one server, which may still be starting.
    pub fn starting(list: Vec<Model>, readiness: watch::Receiver<Readiness>) -> Self {
        Self { list, starting: Some(readiness), client: OnceLock::new() }
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
