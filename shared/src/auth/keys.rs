//! The issuer's public keys, fetched when first needed and kept.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::refused;
use super::token::{Claims, Expected, KeySet, TokenError, verify};
use crate::app::App;
use crate::domain::time::Timestamp;
use crate::http::{Code, Problem};

/// Older keys are asked for anew, so that one which the issuer withdrew isn't
/// believed for longer. (API Gateway's own authorizer keeps them two hours.)
const FRESH_MS: i64 = 3_600_000;
/// Keys that are old, or lack the one that a token names, are asked for at most
/// this often, so that a flood of forged key ids can't reach the issuer.
const REFETCH_MS: i64 = 60_000;
/// While no key is known at all, the issuer is asked this often.
const FIRST_FETCH_MS: i64 = 1_000;
/// The issuer's answer may take this long, to its end.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);
/// The largest key set that is read; Cognito's has one kilobyte.
const KEY_SET_MAX: usize = 256 * 1024;

/// Keys, once fetched. Keys that were fetched before stay in use while the
/// issuer can't be reached.
#[derive(Debug, Default)]
pub struct KeyCache {
    held: Mutex<Held>,
    /// One fetch at a time: who comes meanwhile waits for it and shares its outcome.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    keys: Option<Arc<KeySet>>,
    /// When the keys came; never for those that were given.
    fetched_at: Option<Timestamp>,
    /// When the last fetch ended, whatever came of it.
    tried_at: Option<Timestamp>,
}

impl KeyCache {
    /// A cache that holds `keys` already: the local machine signs itself.
    pub fn holding(keys: KeySet) -> Self {
        let held = Held { keys: Some(Arc::new(keys)), ..Held::default() };
        Self { held: Mutex::new(held), ..Self::default() }
    }

    /// The claims of `token`, if it is valid now.
    pub async fn verify(&self, app: &App, token: &str) -> Result<Claims, Problem> {
        let now = app.now();
        let expected = Expected { issuer: &app.config.issuer, client_id: &app.config.client_id };
        if let Some(keys) = self.keys(|held| held.is_fresh(now)) {
            match verify(token, &keys, &expected, now) {
                Err(TokenError::UnknownKey) => {}
                known => return known.map_err(refused),
            }
        }
        self.refresh(app).await;
        let Some(keys) = self.keys(|_| true) else {
            return Err(Problem::new(
                Code::Unavailable,
                "The sign-in service can't be reached, so your sign-in can't be checked. Try again shortly.",
            )
            .with_retry_after(2)
            .with_cause("no keys are known"));
        };
        verify(token, &keys, &expected, now).map_err(refused)
    }

    /// Fetches the keys, if that is due. When it fails, those that are known stay.
    pub async fn refresh(&self, app: &App) {
        let asked_at = app.now();
        let _turn = self.turn.lock().await;
        if !self.held(|held| held.is_due(asked_at)) {
            return;
        }
        let fetched = fetch(&app.config.key_set_url).await;
        let ended_at = Some(app.now());
        self.held(|held| {
            held.tried_at = ended_at;
            match fetched {
                Ok(keys) => (held.keys, held.fetched_at) = (Some(Arc::new(keys)), ended_at),
                Err(error) => tracing::warn!(%error, "the key set could not be fetched"),
            }
        });
    }

    fn keys(&self, which: impl Fn(&Held) -> bool) -> Option<Arc<KeySet>> {
        self.held(|held| held.keys.clone().filter(|_| which(held)))
    }

    fn held<T>(&self, look: impl FnOnce(&mut Held) -> T) -> T {
        look(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Held {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.fetched_at.is_none_or(|at| now.millis_since(at) < FRESH_MS)
    }

    /// Whether a fetch is due for who asked then: not when one has ended since.
    fn is_due(&self, asked_at: Timestamp) -> bool {
        let pause = if self.keys.is_some() { REFETCH_MS } else { FIRST_FETCH_MS };
        self.tried_at.is_none_or(|at| asked_at.millis_since(at) >= pause)
    }
}

async fn fetch(url: &str) -> Result<KeySet, String> {
    let body = read(url).await.map_err(|error| error.to_string())?;
    let body = body.ok_or_else(|| format!("it is larger than {KEY_SET_MAX} bytes"))?;
    KeySet::parse(&body).map_err(|error| error.to_string())
}

/// The body; none of one that is too large.
async fn read(url: &str) -> reqwest::Result<Option<Vec<u8>>> {
    let client = reqwest::Client::builder().timeout(FETCH_TIMEOUT).build()?;
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > KEY_SET_MAX {
            return Ok(None);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Some(body))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use futures::future::join_all;
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    use super::super::token::tests::{KEY, OTHER_KEY, jwk, signed_by};
    use super::*;
    use crate::app::Clock;
    use crate::config::Config;

    /// How the issuer answers who asks for its keys.
    #[derive(Clone)]
    enum Answer {
        /// 200 with this body.
        Text(String),
        /// This status.
        Status(u16),
        /// Takes the request, and then nothing.
        Silence,
        /// 200 with a body that has no end.
        Endless,
    }

    /// An issuer: a real HTTP server, until it is dropped.
    struct Issuer {
        url: String,
        state: Arc<(Mutex<Answer>, AtomicUsize)>,
        serving: tokio::task::JoinHandle<()>,
    }

    impl Issuer {
        async fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            let state = Arc::new((Mutex::new(keys_of(&["k1"])), AtomicUsize::new(0)));
            let shared = state.clone();
            let serving = tokio::spawn(async move {
                loop {
                    let (connection, _) = listener.accept().await.unwrap();
                    shared.1.fetch_add(1, Ordering::Relaxed);
                    let answer = shared.0.lock().unwrap().clone();
                    tokio::spawn(respond(connection, answer));
                }
            });
            Self { url, state, serving }
        }

        fn answers(&self, answer: Answer) {
            *self.state.0.lock().unwrap() = answer;
        }

        /// How often it was asked.
        fn asked(&self) -> usize {
            self.state.1.load(Ordering::Relaxed)
        }

        /// A process that has just started.
        fn app(&self) -> App {
            let settings = |name: &str| match name {
                "WORKSHOP_ISSUER" => Some(self.url.clone()),
                "WORKSHOP_CURSOR_KEY" => Some("k".repeat(32)),
                name if name.ends_with("_TABLE") || name == "WORKSHOP_CLIENT_ID" => Some("workshop".into()),
                _ => None,
            };
            let sdk = aws_config::SdkConfig::builder().build();
            App::new(Config::read(settings).unwrap(), sdk, Clock::default())
        }

        /// Ada's token of now, signed with the key of this id.
        fn token(&self, app: &App, kid: &str) -> String {
            let now = app.now().as_seconds();
            let claims = json!({
                "sub": "ada", "iss": self.url, "client_id": "workshop", "token_use": "access",
                "iat": now, "exp": now + 3_600,
            });
            let key = if kid == "k2" { &OTHER_KEY } else { &KEY };
            signed_by(key, &json!({"alg": "RS256", "kid": kid}), &claims)
        }

        /// 401, 503, or 200 when the token of this key is taken.
        async fn status(&self, app: &App, kid: &str) -> u16 {
            status(app, &self.token(app, kid)).await
        }

        /// A thousand tokens with key ids of nobody's, all at once, and good ones among
        /// them: how many of each were taken.
        async fn flood(&self, app: &App) -> (usize, usize) {
            let token = self.token(app, "k1");
            let (_, signed) = token.split_once('.').unwrap();
            let header = |number| json!({"alg": "RS256", "kid": format!("forged-{number}")}).to_string();
            let forged: Vec<_> =
                (0..1_000).map(|number| format!("{}.{signed}", BASE64.encode(header(number)))).collect();
            let good: Vec<_> = (0..10).map(|_| self.token(app, "k1")).collect();
            let taken = async |tokens: &[String]| {
                let answers = join_all(tokens.iter().map(|token| status(app, token))).await;
                answers.into_iter().filter(|status| *status == 200).count()
            };
            tokio::join!(taken(&forged), taken(&good))
        }
    }

    impl Drop for Issuer {
        fn drop(&mut self) {
            self.serving.abort();
        }
    }

    fn keys_of(kids: &[&str]) -> Answer {
        let keys: Vec<Value> =
            kids.iter().map(|kid| jwk(if *kid == "k2" { &OTHER_KEY } else { &KEY }, kid)).collect();
        Answer::Text(json!({"keys": keys}).to_string())
    }

    async fn respond(mut connection: TcpStream, answer: Answer) -> std::io::Result<()> {
        let mut request = [0; 4_096];
        if connection.read(&mut request).await? == 0 {
            return Ok(());
        }
        let head = match &answer {
            Answer::Text(text) => format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()),
            Answer::Status(status) => format!("HTTP/1.1 {status} S\r\ncontent-length: 0\r\n\r\n"),
            Answer::Silence => String::new(),
            Answer::Endless => "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned(),
        };
        connection.write_all(head.as_bytes()).await?;
        if matches!(answer, Answer::Endless) {
            loop {
                connection.write_all(&[b' '; 4_096]).await?;
            }
        }
        // Open until the other side has had enough.
        while connection.read(&mut request).await? > 0 {}
        Ok(())
    }

    async fn status(app: &App, token: &str) -> u16 {
        match app.keys.verify(app, token).await {
            Ok(_) => 200,
            Err(problem) => problem.response("r1").status().as_u16(),
        }
    }

    fn later(app: &App, milliseconds: i64) {
        app.clock.advance(Duration::from_millis(u64::try_from(milliseconds).unwrap()));
    }

    #[tokio::test]
    async fn keys_are_fetched_once_and_again_when_they_are_old() {
        let issuer = Issuer::start().await;
        let app = issuer.app();
        for _ in 0..20 {
            assert_eq!(issuer.status(&app, "k1").await, 200);
        }
        assert_eq!(issuer.asked(), 1);
        later(&app, FRESH_MS);
        for _ in 0..20 {
            assert_eq!(issuer.status(&app, "k1").await, 200);
        }
        assert_eq!(issuer.asked(), 2);
    }

    #[tokio::test]
    async fn keys_stay_in_use_while_the_issuer_is_in_trouble() {
        let issuer = Issuer::start().await;
        let app = issuer.app();
        assert_eq!(issuer.status(&app, "k1").await, 200);
        let troubles = [
            Answer::Status(503),
            Answer::Text("<html>".into()),
            Answer::Text(json!({"keys": []}).to_string()),
        ];
        for (number, trouble) in troubles.into_iter().enumerate() {
            issuer.answers(trouble);
            later(&app, FRESH_MS);
            for _ in 0..20 {
                assert_eq!(issuer.status(&app, "k1").await, 200);
            }
            assert_eq!(issuer.asked(), 2 + number);
        }
        issuer.serving.abort();
        later(&app, FRESH_MS);
        assert_eq!(issuer.status(&app, "k1").await, 200);
    }

    #[tokio::test]
    async fn while_no_key_is_known_nobody_is_told_to_sign_in_again_and_the_issuer_is_asked_once_a_second() {
        let issuer = Issuer::start().await;
        issuer.answers(Answer::Status(500));
        let app = issuer.app();
        for seconds in 1..=3 {
            let token = issuer.token(&app, "k1");
            let answers = join_all((0..100).map(|_| status(&app, &token))).await;
            assert_eq!(answers, [503; 100]);
            assert_eq!(issuer.asked(), seconds);
            later(&app, FIRST_FETCH_MS);
        }
        issuer.answers(keys_of(&["k1"]));
        assert_eq!(issuer.status(&app, "k1").await, 200);
        assert_eq!(issuer.asked(), 4);
    }

    #[tokio::test]
    async fn a_flood_of_unknown_key_ids_reaches_the_issuer_once_a_minute() {
        let issuer = Issuer::start().await;
        let app = issuer.app();
        // Nothing is known yet: all of them wait for the one fetch.
        assert_eq!(issuer.flood(&app).await, (0, 10));
        assert_eq!(issuer.asked(), 1);
        assert_eq!(issuer.flood(&app).await, (0, 10));
        assert_eq!(issuer.asked(), 1);
        for minutes in 1..=3 {
            later(&app, REFETCH_MS);
            assert_eq!(issuer.flood(&app).await, (0, 10));
            assert_eq!(issuer.flood(&app).await, (0, 10));
            assert_eq!(issuer.asked(), 1 + minutes);
        }
        // Nor does the issuer's trouble make it be asked more often.
        issuer.answers(Answer::Status(500));
        later(&app, REFETCH_MS);
        assert_eq!(issuer.flood(&app).await, (0, 10));
        assert_eq!(issuer.flood(&app).await, (0, 10));
        assert_eq!(issuer.asked(), 5);
    }

    #[tokio::test]
    async fn a_new_key_is_taken_within_a_minute_and_one_that_was_withdrawn_no_more() {
        let issuer = Issuer::start().await;
        let app = issuer.app();
        assert_eq!(issuer.status(&app, "k1").await, 200);
        issuer.answers(keys_of(&["k1", "k2"]));
        assert_eq!(issuer.status(&app, "k2").await, 401);
        later(&app, REFETCH_MS);
        // Who comes while the keys are fetched waits for them.
        let token = issuer.token(&app, "k2");
        assert_eq!(join_all((0..10).map(|_| status(&app, &token))).await, [200; 10]);
        assert_eq!((issuer.status(&app, "k1").await, issuer.asked()), (200, 2));

        issuer.answers(keys_of(&["k2"]));
        later(&app, FRESH_MS);
        assert_eq!((issuer.status(&app, "k1").await, issuer.status(&app, "k2").await), (401, 200));
        assert_eq!(issuer.asked(), 3);
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_left() {
        let issuer = Issuer::start().await;
        let huge = json!({"keys": [jwk(&KEY, "k1")], "padding": "x".repeat(KEY_SET_MAX)}).to_string();
        let within = json!({"keys": [jwk(&KEY, "k1")], "padding": "x".repeat(KEY_SET_MAX / 2)}).to_string();
        for endless in [Answer::Silence, Answer::Endless, Answer::Text(huge)] {
            let app = issuer.app();
            issuer.answers(endless);
            assert_eq!(issuer.status(&app, "k1").await, 503);
            issuer.answers(Answer::Text(within.clone()));
            later(&app, FIRST_FETCH_MS);
            assert_eq!(issuer.status(&app, "k1").await, 200);
        }
    }
}
