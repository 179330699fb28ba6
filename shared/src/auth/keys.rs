//! The issuer's public keys, fetched when first needed and kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::refused;
use super::token::{Claims, Expected, KeySet, TokenError, verify};
use crate::app::App;
use crate::domain::time::Timestamp;
use crate::http::{Code, Problem};

/// A token with an unknown key makes the set be fetched again, at most this
/// often, so that a flood of forged key ids can't reach the issuer.
const REFETCH_MS: i64 = 60_000;
/// While no key is known at all, the issuer is asked this often.
const FIRST_FETCH_MS: i64 = 1_000;
/// The issuer's answer may take this long.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// Keys, once fetched. Keys that were fetched before stay in use while the
/// issuer can't be reached.
#[derive(Debug, Default)]
pub struct KeyCache {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    keys: Option<Arc<KeySet>>,
    tried_at: Option<Timestamp>,
}

impl KeyCache {
    /// A cache that holds `keys` already: the local machine signs itself.
    pub fn holding(keys: KeySet) -> Self {
        Self { held: Mutex::new(Held { keys: Some(Arc::new(keys)), tried_at: None }) }
    }

    /// The claims of `token`, if it is valid now.
    pub async fn verify(&self, app: &App, token: &str) -> Result<Claims, Problem> {
        let now = app.now();
        let expected = Expected { issuer: &app.config.issuer, client_id: &app.config.client_id };
        if let Some(keys) = self.keys() {
            match verify(token, &keys, &expected, now) {
                Err(TokenError::UnknownKey) => {}
                known => return known.map_err(refused),
            }
        }
        if self.may_fetch(now) {
            match fetch(&app.config.key_set_url).await {
                Ok(keys) => self.keep(keys),
                Err(error) => tracing::warn!(%error, "the key set could not be fetched"),
            }
        }
        let Some(keys) = self.keys() else {
            return Err(Problem::new(
                Code::Unavailable,
                "The sign-in service can't be reached, so your sign-in can't be checked. Try again shortly.",
            )
            .with_retry_after(2)
            .with_cause("no keys are known"));
        };
        verify(token, &keys, &expected, now).map_err(refused)
    }

    fn keys(&self) -> Option<Arc<KeySet>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).keys.clone()
    }

    /// Whether a fetch is due; claims it when it is.
    fn may_fetch(&self, now: Timestamp) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = if held.keys.is_some() { REFETCH_MS } else { FIRST_FETCH_MS };
        let due = held.tried_at.is_none_or(|at| now.millis_since(at) >= pause);
        if due {
            held.tried_at = Some(now);
        }
        due
    }

    fn keep(&self, keys: KeySet) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).keys = Some(Arc::new(keys));
    }
}

async fn fetch(url: &str) -> Result<KeySet, String> {
    let client =
        reqwest::Client::builder().timeout(FETCH_TIMEOUT).build().map_err(|error| error.to_string())?;
    let response = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let body =
        response.map_err(|error| error.to_string())?.bytes().await.map_err(|error| error.to_string())?;
    KeySet::parse(&body).map_err(|error| error.to_string())
}
