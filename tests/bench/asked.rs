//! Requests to handlers, called as the gateway calls them, one in flight on one
//! thread, as on Lambda. What each waits for in calls to the services is known,
//! so that the rest of its time is its own.

use std::time::{Duration, Instant};

use aws_config::Region;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use shared::app::{App, sdk_loader};
use shared::config::{Config, Tables};
use shared::limits::Limits;
use shared::queue::Queue;
use shared::store::{Store, tables};
use tests::Workshop;
use tests::calls::{Calls, waited};
use tests::handlers::{Call, handled, request};

/// A request to a route, and the status that it must have.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The route's binary.
    pub binary: &'static str,
    /// Who asks.
    pub user: String,
    /// Path parameters.
    pub path: Vec<(&'static str, String)>,
    /// Query parameters.
    pub query: Vec<(&'static str, String)>,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// The JSON body; none when it is null.
    pub body: Value,
    /// A body that isn't JSON: its media type and itself.
    pub file: Option<(&'static str, String)>,
    /// Of the answer.
    pub status: u16,
}

/// What a request took.
#[derive(Clone, Debug)]
pub struct Took {
    /// From the handler's call to its answer.
    pub whole: Duration,
    /// Of that, how long a call to a service was under way, and in how many
    /// stretches: calls at the same time are one.
    pub waited: (Duration, u32),
    /// Read and write units.
    pub units: f64,
    /// The answer.
    pub answer: Value,
}

/// Limits that no measurement meets.
pub const UNLIMITED: Limits = {
    let most = 1 << 50;
    Limits {
        runs_per_minute: most,
        runs_per_day: most,
        messages_per_minute: most,
        tokens_per_day: most,
        micros_per_day: most,
        deployment_micros_per_day: most,
    }
};

impl Asked {
    /// The same with a path parameter.
    pub fn about(mut self, name: &'static str, value: &str) -> Self {
        self.path.push((name, value.to_owned()));
        self
    }

    /// The same with a query parameter.
    pub fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    /// The same with a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same with a body.
    pub fn with(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// Asks, without being timed: the answer.
    pub async fn tell(&self, app: &'static App) -> Value {
        self.ask(app, &Calls::default()).await.answer
    }

    /// Asks an application whose calls are watched.
    pub async fn time(&self, watched: &Watched) -> Took {
        self.ask(watched.app, &watched.calls).await
    }

    async fn ask(&self, app: &'static App, calls: &Calls) -> Took {
        fn borrowed<'a>(pairs: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
            pairs.iter().map(|(name, value)| (*name, value.as_str())).collect()
        }
        let call = Call {
            binary: self.binary,
            user: &self.user,
            path: &borrowed(&self.path),
            query: &borrowed(&self.query),
            headers: &borrowed(&self.headers),
            body: self.body.clone(),
            file: self.file.as_ref().map(|(kind, text)| (*kind, text.as_str())),
        };
        // The runtime makes this of the gateway's event, not the handler.
        let request = request(&call);
        calls.take();
        let began = Instant::now();
        let answered = handled(app, self.binary, request).await;
        let whole = began.elapsed();
        let calls = calls.take();
        assert_eq!(answered.status, self.status, "{}: {}", self.binary, answered.text);
        Took {
            whole,
            waited: waited(&calls),
            units: calls.iter().map(|call| call.units).sum(),
            answer: answered.json(),
        }
    }
}

/// An application and the calls that it makes.
#[derive(Clone)]
pub struct Watched {
    /// The application.
    pub app: &'static App,
    /// Its calls.
    pub calls: Calls,
    /// The client of its store.
    client: Client,
}

impl Watched {
    /// What the SDK takes for a call before it is watched and after: of one that
    /// finds nothing.
    pub async fn around_a_call(&self) -> Duration {
        let nothing = || AttributeValue::S("NOTHING".to_owned());
        self.calls.take();
        let began = Instant::now();
        let get = self.client.get_item().table_name(&self.app.config.tables.usage).consistent_read(true);
        get.key("pk", nothing()).key("sk", nothing()).send().await.expect("the store answers");
        let whole = began.elapsed();
        whole.saturating_sub(waited(&self.calls.take()).0)
    }
}

/// An application over a machine's services: over the tables of `prefix`, which
/// are made if need be, and a queue that nobody reads.
pub async fn watched(workshop: &Workshop, prefix: &str) -> Watched {
    let machine = &workshop.machine.app().config;
    let endpoint = |endpoint: &Option<String>| endpoint.clone().expect("the machine's own");
    let (dynamodb, sqs) = (endpoint(&machine.endpoints.dynamodb), endpoint(&machine.endpoints.sqs));
    let sdk = sdk_loader()
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "bench"))
        .load()
        .await;
    let calls = Calls::default();
    let dynamodb =
        aws_sdk_dynamodb::config::Builder::from(&sdk).endpoint_url(dynamodb).interceptor(calls.clone());
    let sqs = aws_sdk_sqs::config::Builder::from(&sdk).endpoint_url(sqs).interceptor(calls.clone());
    let (dynamodb, sqs) = (Client::from_conf(dynamodb.build()), aws_sdk_sqs::Client::from_conf(sqs.build()));
    let queue = sqs.create_queue().queue_name(format!("{prefix}-unread")).send().await.expect("a queue");
    let queue = queue.queue_url.expect("its address");

    let tables = Tables::with_prefix(prefix);
    tables::create_missing(&dynamodb, &tables, machine.dimensions()).await.expect("the tables");
    let client = dynamodb.clone();
    let store = Store::new(dynamodb, tables.clone(), &machine.cursor_key, machine.dimensions());
    let config = Config { tables, queue_url: queue.clone(), ..machine.clone() };
    let app = App::new(config, sdk, workshop.machine.clock().clone());
    let unread = Queue::new(sqs, queue);
    let app = app.with_store(store).with_queues(unread.clone(), unread);
    Watched { app: Box::leak(Box::new(app)), calls, client }
}
