//! Who turns texts into vectors: the workshop's own static embeddings, which
//! need no service, or a server that speaks OpenAI's `/v1/embeddings`.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use embedding::normalised;
use reqwest::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::config::EmbeddingService;
use crate::domain::model::ApiKey;

/// Texts of one request.
const BATCH: usize = 64;
/// Characters of a text that a server is sent: its window is often 512 tokens.
const READ_MAX: usize = 2_000;
/// A batch is not waited for longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// With the static embeddings, what is less similar to a query was not found.
/// Measured on the judged set of the tests: below it there is chance.
const STATIC_LEAST: f64 = 0.25;

/// Texts could not be turned into vectors. Nothing else depends on it: words
/// are searched without.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The embeddings of this build are damaged.
    #[error("{0}")]
    Damaged(String),
    /// The server can't be reached, or failed.
    #[error("the embeddings' server failed: {0}")]
    Unreachable(String),
    /// The server answered something else than was asked for.
    #[error("the embeddings' server answered {0}")]
    Nonsense(String),
    /// The server refused the texts, with this status.
    #[error("the embeddings' server refused the texts with status {0}")]
    Refused(u16),
    /// Its vectors are longer or shorter than the configuration says.
    #[error(
        "the embeddings' model gives {got} numbers where \"dimensions\" of WORKSHOP_EMBEDDINGS says {wanted}"
    )]
    Dimensions {
        /// Numbers that a vector has.
        got: usize,
        /// Numbers that it should have.
        wanted: u32,
    },
    /// Its key can't be read.
    #[error("the embeddings' key can't be read")]
    NoKey,
}

/// Turns texts into vectors.
#[derive(Clone, Copy)]
pub struct Embedder<'a> {
    app: &'a App,
}

/// The vocabulary takes a while to read: once a process.
static STATIC: OnceLock<Result<embedding::Embedder, String>> = OnceLock::new();

impl<'a> Embedder<'a> {
    /// The one that the configuration names.
    pub fn of(app: &'a App) -> Self {
        Self { app }
    }

    /// Reads what takes a while to be read, so that the first text needn't wait for it.
    pub fn prepare(&self) {
        // What is wrong with it is told to whoever asks for a vector.
        if self.app.config.embeddings.is_none() {
            let _ = built_in();
        }
    }

    /// The vectors' kind: those of another kind can't be compared with them.
    pub fn kind(&self) -> String {
        self.app.config.embeddings.as_ref().map_or_else(
            || embedding::NAME.to_owned(),
            |service| format!("{}-{}", service.model, service.dimensions),
        )
    }

    /// Articles that are less similar to a query than this were not found.
    pub fn least_similarity(&self) -> f64 {
        self.app.config.embeddings.as_ref().map_or(STATIC_LEAST, |service| service.least_similarity)
    }

    /// The vector of each text, of length 1; `None` for a text that has none.
    pub async fn embed(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbeddingError> {
        let Some(service) = &self.app.config.embeddings else {
            if texts.len() == 1 {
                return embedded(texts);
            }
            // Those of an import take a while, in which its words can be written.
            let texts = texts.to_vec();
            let embedded = tokio::task::spawn_blocking(move || embedded(&texts)).await;
            return embedded.map_err(|error| EmbeddingError::Damaged(error.to_string()))?;
        };
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            match self.ask(service, batch).await {
                Err(EmbeddingError::Refused(_)) => {
                    vectors.extend(self.ask_for_each(service, batch).await?);
                }
                answer => vectors.extend(answer?),
            }
        }
        Ok(vectors)
    }

    /// The same text by text, for a server that refused them together. One that may be too long for its window is tried
    /// at half its length; one that it doesn't take at all is taken for a text without a vector, unless it takes none.
    async fn ask_for_each(
        &self,
        service: &EmbeddingService,
        texts: &[String],
    ) -> Result<Vec<Option<Vec<f32>>>, EmbeddingError> {
        let mut vectors = Vec::with_capacity(texts.len());
        let mut refused = None;
        for text in texts {
            let mut answer = self.ask(service, std::slice::from_ref(text)).await;
            if matches!(answer, Err(EmbeddingError::Refused(_))) {
                let half = crate::domain::text::prefix(text, READ_MAX / 2).to_owned();
                answer = self.ask(service, &[half]).await;
            }
            match answer {
                Err(EmbeddingError::Refused(status)) => {
                    refused = Some(status);
                    vectors.push(None);
                }
                answer => vectors.extend(answer?),
            }
        }
        match refused {
            Some(status) if vectors.iter().all(Option::is_none) => Err(EmbeddingError::Refused(status)),
            _ => Ok(vectors),
        }
    }

    /// What a server answers. One that refuses what is optional in a request, such as `dimensions` for a model that has
    /// one number of them, is asked without it, now and from now on.
    async fn ask(
        &self,
        service: &EmbeddingService,
        texts: &[String],
    ) -> Result<Vec<Option<Vec<f32>>>, EmbeddingError> {
        let is_plain = &self.app.plain_embeddings;
        if !is_plain.load(Ordering::Relaxed) {
            match self.answer(service, texts, false).await? {
                Answer::Vectors(vectors) => return Ok(vectors),
                Answer::Refused(_) => {}
            }
        }
        match self.answer(service, texts, true).await? {
            Answer::Vectors(vectors) => {
                is_plain.store(true, Ordering::Relaxed);
                Ok(vectors)
            }
            Answer::Refused(status) => Err(EmbeddingError::Refused(status)),
        }
    }

    async fn answer(
        &self,
        service: &EmbeddingService,
        texts: &[String],
        plain: bool,
    ) -> Result<Answer, EmbeddingError> {
        #[derive(Serialize)]
        struct Input<'a> {
            model: &'a str,
            input: Vec<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            dimensions: Option<u32>,
            #[serde(skip_serializing_if = "Option::is_none")]
            encoding_format: Option<&'static str>,
        }
        #[derive(Deserialize)]
        struct Output {
            data: Vec<Embedding>,
        }
        #[derive(Deserialize)]
        struct Embedding {
            /// Servers that name none answer in the order of the texts.
            index: Option<usize>,
            embedding: Vec<f32>,
        }
        let input = Input {
            model: &service.model,
            input: texts.iter().map(|text| crate::domain::text::prefix(text, READ_MAX)).collect(),
            dimensions: (!plain).then_some(service.dimensions),
            encoding_format: (!plain).then_some("float"),
        };
        let client =
            self.app.models().client().map_err(|error| EmbeddingError::Unreachable(error.to_string()))?;
        let url = format!("{}/embeddings", service.base_url);
        let mut call = client.http().post(url).timeout(PATIENCE).json(&input);
        match self.app.keyed_service(service).await.map_err(|_| EmbeddingError::NoKey)? {
            ApiKey::Known(key) => call = call.bearer_auth(key.reveal()),
            ApiKey::None => {}
            ApiKey::Parameter(_) => return Err(EmbeddingError::NoKey),
        }
        let unreachable =
            |error: reqwest::Error| EmbeddingError::Unreachable(error.without_url().to_string());
        let response = call.send().await.map_err(unreachable)?;
        let status = response.status();
        if matches!(
            status,
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE
        ) {
            return Ok(Answer::Refused(status.as_u16()));
        }
        if !status.is_success() {
            return Err(EmbeddingError::Unreachable(format!("status {}", status.as_u16())));
        }
        let Output { data } = response.json().await.map_err(unreachable)?;
        if data.len() != texts.len() {
            let (got, wanted) = (data.len(), texts.len());
            return Err(EmbeddingError::Nonsense(format!("{got} vectors for {wanted} texts")));
        }
        let mut vectors = vec![None; texts.len()];
        for (place, Embedding { index, embedding }) in data.into_iter().enumerate() {
            if embedding.len() != service.dimensions as usize {
                return Err(EmbeddingError::Dimensions { got: embedding.len(), wanted: service.dimensions });
            }
            let Some(vector) = vectors.get_mut(index.unwrap_or(place)) else {
                return Err(EmbeddingError::Nonsense("a vector for no text".to_owned()));
            };
            if vector.is_some() {
                return Err(EmbeddingError::Nonsense("two vectors for one text".to_owned()));
            }
            *vector = normalised(embedding);
        }
        Ok(Answer::Vectors(vectors))
    }
}

/// What a server of embeddings answered.
enum Answer {
    Vectors(Vec<Option<Vec<f32>>>),
    /// The request as it was, with this status.
    Refused(u16),
}

/// The static embeddings, read when they are first asked for.
fn built_in() -> Result<&'static embedding::Embedder, EmbeddingError> {
    let embedder = STATIC.get_or_init(|| embedding::Embedder::new().map_err(|error| error.to_string()));
    embedder.as_ref().map_err(|error| EmbeddingError::Damaged(error.clone()))
}

/// The vectors that they give.
fn embedded(texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbeddingError> {
    let embedder = built_in()?;
    Ok(texts.iter().map(|text| embedder.embed(text)).collect())
}
