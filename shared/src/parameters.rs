//! SSM Parameter Store: reading secrets by name, which is all of it that is used.
//!
//! One call by hand, in AWS's JSON 1.1 protocol, in place of the SDK's client
//! for all of Systems Manager, which is a tenth of all source that is compiled.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect;
use serde::Deserialize;
use serde_json::json;
use url::Url;

use crate::config::service_address;
use crate::domain::model::Secret;
use crate::domain::time::Timestamp;
use crate::signing::Signer;

/// Names that one `GetParameters` takes (Systems Manager API Reference); more go into further calls.
const NAMES_MAX: usize = 10;
/// Attempts at a call that finds the service busy or away; then it fails.
const ATTEMPTS: u32 = 4;
/// The pause before the second attempt; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// Time for connecting.
const CONNECT: Duration = Duration::from_secs(2);
/// Time for one attempt, its answer included.
const ATTEMPT: Duration = Duration::from_secs(5);

const JSON: &str = "application/x-amz-json-1.1";
const TARGET: &str = "AmazonSSM.GetParameters";

/// Reads parameters.
pub struct Parameters {
    signer: Signer,
    address: String,
}

/// An attempt failed.
struct Failed {
    why: String,
    /// Whether another attempt may do better.
    passes: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    value: String,
}

/// An error of the JSON 1.1 protocol; its message isn't read.
#[derive(Deserialize)]
struct Refusal {
    #[serde(rename = "__type")]
    kind: String,
}

impl Parameters {
    /// Parameter Store of the account and region of `sdk`.
    pub fn new(sdk: &SdkConfig) -> Self {
        let signer = Signer::new(sdk);
        let suffix = if signer.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let own = format!("https://ssm.{}.{suffix}", signer.region);
        Self { address: service_address("AWS_ENDPOINT_URL", "SSM").unwrap_or(own), signer }
    }

    /// The values of those of `names` that are there, decrypted.
    ///
    /// # Errors
    /// The cause, for the log, when the service can't be reached or refuses.
    pub async fn read(&self, names: &[String], now: Timestamp) -> Result<HashMap<String, Secret>, String> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ATTEMPT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| error.to_string())?;
        let mut values = HashMap::new();
        for names in names.chunks(NAMES_MAX) {
            let found = self.call(&client, names, now).await?;
            // A key that was pasted often ends with a line break.
            let kept = |parameter: Parameter| (parameter.name, Secret::new(parameter.value.trim()));
            values.extend(found.parameters.into_iter().map(kept));
        }
        Ok(values)
    }

    async fn call(
        &self,
        client: &reqwest::Client,
        names: &[String],
        now: Timestamp,
    ) -> Result<Found, String> {
        let body = json!({"Names": names, "WithDecryption": true}).to_string();
        let mut attempt = 1;
        loop {
            match self.attempt(client, &body, now).await {
                Ok(found) => return Ok(found),
                Err(failed) if failed.passes && attempt < ATTEMPTS => {
                    tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1)).await;
                    attempt += 1;
                }
                Err(failed) => return Err(failed.why),
            }
        }
    }

    async fn attempt(&self, client: &reqwest::Client, body: &str, now: Timestamp) -> Result<Found, Failed> {
        let lasting = |why: String| Failed { why, passes: false };
        let passing = |error: reqwest::Error| Failed { why: error.to_string(), passes: true };
        let url = Url::parse(&self.address).map_err(|error| lasting(error.to_string()))?;
        let host = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
        let headers = [("host", host.as_str()), ("content-type", JSON), ("x-amz-target", TARGET)];
        let signable = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url.as_str(), headers.into_iter(), signable)
            .map_err(|error| lasting(error.to_string()))?;
        let signing =
            self.signer.sign("ssm", request, SigningSettings::default(), now).await.map_err(lasting)?;
        let mut call = client.post(url).header(CONTENT_TYPE, JSON);
        call = call.header("x-amz-target", TARGET);
        for (name, value) in signing.headers() {
            call = call.header(name, value);
        }
        let response = call.body(body.to_owned()).send().await.map_err(passing)?;
        let status = response.status();
        let answer = response.bytes().await.map_err(passing)?;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(|error| lasting(error.to_string()));
        }
        let kind =
            serde_json::from_slice(&answer).map_or_else(|_| String::new(), |refusal: Refusal| refusal.kind);
        let passes = status.is_server_error() || kind.contains("Throttling");
        Err(Failed { why: format!("GetParameters was answered with {status} {kind}"), passes })
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn parameters(address: String) -> Parameters {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("token".into()), None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-north-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Parameters { address, ..Parameters::new(&sdk) }
    }

    /// Gives each of `answers` to one request; the requests, as they were sent.
    async fn served(answers: Vec<(u16, String)>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let mut requests = Vec::new();
            for (status, answer) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (mut request, mut part) = (String::new(), [0; 4_096]);
                while !request.ends_with("\"WithDecryption\":true}") {
                    let read = stream.read(&mut part).await.unwrap();
                    request.push_str(std::str::from_utf8(&part[..read]).unwrap());
                }
                let head = format!(
                    "HTTP/1.1 {status} .\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                stream.write_all((head + &answer).as_bytes()).await.unwrap();
                requests.push(request);
            }
            requests
        });
        (address, served)
    }

    fn now() -> Timestamp {
        "2026-11-30T09:30:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn parameters_are_read_ten_at_a_time_by_signed_calls() {
        let names: Vec<_> = (0..11).map(|number| format!("/workshop/{number}")).collect();
        let answer = |name: &str| json!({"Parameters": [{"Name": name, "Value": "sk-1\n", "Type": "SecureString"}], "InvalidParameters": []});
        let answers =
            vec![(200, answer("/workshop/0").to_string()), (200, answer("/workshop/10").to_string())];
        let (address, served) = served(answers).await;
        let values = parameters(address).read(&names, now()).await.unwrap();
        assert_eq!(values.len(), 2);
        assert_eq!(values["/workshop/10"].reveal(), "sk-1");
        let requests = served.await.unwrap();
        for part in [
            "x-amz-target: AmazonSSM.GetParameters",
            "content-type: application/x-amz-json-1.1",
            "x-amz-date: 20261130T093000Z",
            "x-amz-security-token: token",
            "Credential=AKIDEXAMPLE/20261130/eu-north-1/ssm/aws4_request",
            "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
            "\"/workshop/9\"]",
        ] {
            assert!(requests[0].contains(part), "{part} is not in {}", requests[0]);
        }
        assert!(requests[1].contains("{\"Names\":[\"/workshop/10\"]"), "{}", requests[1]);
    }

    #[tokio::test]
    async fn a_busy_service_is_asked_again_and_a_refusal_is_not() {
        let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#.to_owned();
        let found = r#"{"Parameters":[{"Name":"/a","Value":"v"}]}"#.to_owned();
        let (address, asked) = served(vec![(400, throttled), (503, String::new()), (200, found)]).await;
        let values = parameters(address).read(&["/a".to_owned()], now()).await.unwrap();
        assert_eq!((values["/a"].reveal(), asked.await.unwrap().len()), ("v", 3));

        let refused =
            r#"{"__type":"AccessDeniedException","Message":"User: … is not authorized"}"#.to_owned();
        let (address, asked) = served(vec![(400, refused)]).await;
        let error = parameters(address).read(&["/a".to_owned()], now()).await.unwrap_err();
        assert_eq!(error, "GetParameters was answered with 400 Bad Request AccessDeniedException");
        assert_eq!(asked.await.unwrap().len(), 1);

        let (address, asked) = served(vec![(500, String::new()); 4]).await;
        assert!(parameters(address).read(&["/a".to_owned()], now()).await.is_err());
        assert_eq!(asked.await.unwrap().len(), 4);
    }

    #[test]
    fn the_address_is_the_regions() {
        assert_eq!(parameters(String::new()).signer.region, "eu-north-1");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("cn-north-1"))
            .build();
        assert_eq!(Parameters::new(&sdk).address, "https://ssm.cn-north-1.amazonaws.com.cn");
    }
}
