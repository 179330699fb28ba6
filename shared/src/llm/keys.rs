//! Keys of models in SSM Parameter Store, for where the workshop is deployed:
//! never in a template, a table or a function's settings.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::error::ModelError;
use crate::domain::model::{ApiKey, Model, Secret};
use crate::domain::time::Timestamp;
use crate::parameters::Parameters;

/// Keys are read anew after this, so that a changed one is taken up without a deployment.
const KEPT_MS: i64 = 5 * 60_000;

/// Keys, once read.
#[derive(Debug, Default)]
pub struct ModelKeys {
    held: Mutex<Option<Held>>,
}

#[derive(Clone, Debug)]
struct Held {
    keys: HashMap<String, Secret>,
    read_at: Timestamp,
}

impl ModelKeys {
    /// `model` with its key in it. All keys that `models` name are read at once.
    ///
    /// # Errors
    /// [`ModelError::NoKey`] when the parameter isn't there or can't be read.
    pub async fn keyed(
        &self,
        parameters: impl FnOnce() -> Parameters,
        models: &[Model],
        model: &Model,
        now: Timestamp,
    ) -> Result<Model, ModelError> {
        let all = models.iter().map(|model| &model.api_key);
        Ok(Model { api_key: self.key(parameters, all, &model.api_key, now).await?, ..model.clone() })
    }

    /// The key that `wanted` leads to. Those of `all` are read with it; while
    /// the store of parameters fails, those read before stay in use.
    ///
    /// # Errors
    /// [`ModelError::NoKey`] when the parameter isn't there or can't be read.
    pub async fn key(
        &self,
        parameters: impl FnOnce() -> Parameters,
        all: impl IntoIterator<Item = &ApiKey>,
        wanted: &ApiKey,
        now: Timestamp,
    ) -> Result<ApiKey, ModelError> {
        let ApiKey::Parameter(name) = wanted else { return Ok(wanted.clone()) };
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let held = match held {
            Some(held) if now.millis_since(held.read_at) < KEPT_MS && held.keys.contains_key(name) => held,
            before => {
                let held = match parameters().read(&names(all), now).await {
                    Ok(keys) => Held { keys, read_at: now },
                    Err(error) => {
                        tracing::error!(error, "the models' keys can't be read");
                        before.ok_or(ModelError::NoKey)?
                    }
                };
                *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
                held
            }
        };
        let key = held.keys.get(name).cloned().ok_or_else(|| {
            tracing::error!(name, "this parameter, which holds a key, isn't there");
            ModelError::NoKey
        })?;
        Ok(ApiKey::Known(key))
    }
}

/// The parameters that `keys` name, each once.
fn names<'a>(keys: impl IntoIterator<Item = &'a ApiKey>) -> Vec<String> {
    let mut names: Vec<_> = keys
        .into_iter()
        .filter_map(|key| match key {
            ApiKey::Parameter(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    names.sort();
    names.dedup();
    names
}
