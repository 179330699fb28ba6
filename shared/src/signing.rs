//! Signature Version 4, for calls of AWS that need no client of the SDK's
//! ("AWS Signature Version 4 for API requests", IAM User Guide).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableRequest, SigningInstructions, SigningSettings, sign};
use aws_sigv4::sign::v4;

use crate::domain::time::Timestamp;

/// Signs requests with the process's credentials.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The region that requests are signed for.
    pub region: String,
    credentials: Option<SharedCredentialsProvider>,
}

impl Signer {
    /// A signer with the region and the credentials of `sdk`.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self {
            region: sdk.region().map(|region| region.to_string()).unwrap_or_default(),
            credentials: sdk.credentials_provider(),
        }
    }

    /// Signs `request` for `service`; what has to be added to it.
    ///
    /// # Errors
    /// A sentence when there are no credentials, or the request can't be signed.
    pub async fn sign(
        &self,
        service: &str,
        request: SignableRequest<'_>,
        settings: SigningSettings,
        now: Timestamp,
    ) -> Result<SigningInstructions, String> {
        let credentials = self.credentials.as_ref().ok_or("no credentials")?;
        let identity = credentials.provide_credentials().await.map_err(|error| error.to_string())?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(system_time(now))
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let (instructions, _) = sign(request, &params).map_err(|error| error.to_string())?.into_parts();
        Ok(instructions)
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.as_millis().max(0).unsigned_abs())
}
