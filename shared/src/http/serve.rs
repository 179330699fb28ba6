//! The body of every binary's `main`.

use std::process::ExitCode;

use aws_config::{BehaviorVersion, SdkConfig};
use futures::future::BoxFuture;
use lambda_http::{Error, service_fn};
use lambda_runtime::LambdaEvent;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use super::respond::{Request, Response, StreamingResponse, answer, streamed};
use crate::app::{App, Clock, sdk_config};
use crate::config::Config;

/// A route's `handle`, boxed.
pub type Handler = for<'a> fn(&'a App, Request) -> BoxFuture<'a, Result<Response, Problem>>;
/// The same for the route that streams. Its body may outlive the call, so it
/// is given the application for good.
pub type StreamingHandler =
    fn(&'static App, Request) -> BoxFuture<'static, Result<StreamingResponse, Problem>>;

/// Serves a route that uses the store: its connection is opened while the
/// function starts, when Lambda lets it run faster than during a request.
pub fn serve(handler: Handler) -> ExitCode {
    serve_parallel(1, handler)
}

/// Serves a route that makes so many calls to the store at once: as many connections are opened while it starts.
pub fn serve_parallel(calls: usize, handler: Handler) -> ExitCode {
    serve_prepared(calls, |_| {}, handler)
}

/// Serves a route that needs more of the process than the store: `prepare` makes it while the function starts, too.
pub fn serve_prepared(calls: usize, prepare: fn(&App), handler: Handler) -> ExitCode {
    start(sdk_config, async move |app| {
        prepare(app);
        app.store().connect(calls).await;
        lambda_http::run(service_fn(move |request| respond(app, handler, request))).await
    })
}

/// Serves a route that does without the store, or anything else of AWS: nothing
/// of the SDK is configured, so that nothing of it is linked.
pub fn serve_without_store(handler: Handler) -> ExitCode {
    start(
        || SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build(),
        async move |app| lambda_http::run(service_fn(move |request| respond(app, handler, request))).await,
    )
}

/// Serves the route that streams, behind a function URL: an HTTP API buffers.
/// No authorizer stands there, so the sign-in's keys are fetched at the start,
/// too, beside as many connections as it makes calls to the store at once.
pub fn serve_streaming(calls: usize, handler: StreamingHandler) -> ExitCode {
    start(sdk_config, async move |app| {
        tokio::join!(app.store().connect(calls), app.keys.refresh(app));
        let serve = move |request| async move {
            Ok::<_, Error>(streamed(app, request, |request| handler(app, request)).await)
        };
        lambda_http::run_with_streaming_response(service_fn(serve)).await
    })
}

/// Serves what HTTP doesn't call: a queue, a stream or a schedule. An error is
/// logged and makes Lambda deliver the event again.
pub fn serve_events<E, R>(handler: for<'a> fn(&'a App, E) -> BoxFuture<'a, Result<R, Error>>) -> ExitCode
where
    E: DeserializeOwned + Send + 'static,
    R: Serialize + Send + 'static,
{
    start(sdk_config, async move |app| {
        app.store().connect(1).await;
        lambda_runtime::run(service_fn(move |event: LambdaEvent<E>| handler(app, event.payload))).await
    })
}

async fn respond(app: &App, handler: Handler, request: Request) -> Result<Response, Error> {
    Ok(answer(app, request, |request| handler(app, request)).await)
}

/// Reads the settings, makes the clients once, and runs on one thread: a
/// function has one request in flight.
fn start(
    sdk: impl FnOnce() -> SdkConfig,
    run: impl AsyncFnOnce(&'static App) -> Result<(), Error>,
) -> ExitCode {
    crate::telemetry::start();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    runtime.block_on(async {
        let config = match Config::from_env() {
            Ok(config) => config,
            Err(error) => return failed(&error),
        };
        let app: &'static App = Box::leak(Box::new(App::new(config, sdk(), Clock::default())));
        match run(app).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        }
    })
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    tracing::error!(%error, "the function could not start");
    ExitCode::FAILURE
}
