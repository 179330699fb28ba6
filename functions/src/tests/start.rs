//! POST …/drafts/{id}/test: queues a test run of the draft as it stands.
//!
//! Everything that can be checked is checked first. The answer is 202 at once;
//! `Prefer: wait=N` waits for the run's end, at most 25 seconds.

use std::time::Duration;

use lambda_http::http::{HeaderValue, StatusCode, header};
use shared::app::App;
use shared::auth::{User, user};
use shared::domain::model::Model;
use shared::domain::run::{Order, Run};
use shared::domain::text::FieldError;
use shared::http::{Code, Problem, Request, Response, json, json_response, once, path_id, prefer_wait};
use shared::llm::runner::estimate;
use shared::queue::RunMessage;
use shared::store::{Demand, Started, pause};
use uuid::Uuid;

use super::RunView;

use crate::prelude::*;

/// A draft that is saved meanwhile makes the start be tried again, this often.
const ATTEMPTS: u32 = 12;
/// How often a waiting caller looks whether the run has ended.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The answer to a caller who waited until the run's end.
const ENDED: Also = Also {
    status: 200,
    says: "The run has ended.",
    json: Some(|generator| generator.subschema_for::<super::FullRunView>()),
};

/// Queues a test run of the draft as it stands. With Prefer: wait, 200 and the finished run.
pub const ROUTE: Route = Route::new(
    "tests-start",
    Verb::Post,
    "/api/auspex/prompts/workshop/drafts/{id}/test",
    Access::Owner,
    whole!(handle),
)
.says("Queues a test run of the draft as it stands. With Prefer: wait, 200 and the finished run.")
.takes_json::<Order>()
.gives_json::<RunView>(202)
.also(&[ENDED])
.headers(&[ONCE, ("Prefer", Value::Any, "wait=N: wait up to N seconds, at most 25, for the end of the run.")])
.may(&[
    Items(Drafts, &[Get, Put, Update]),
    Items(Articles, &[Get]),
    Items(Usage, &[Update, Delete]),
    Messages(Runs, &[Sqs::Send]),
]);

/// Starts a test.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let draft_id = path_id(&request, "id", "draft")?;
    let order = json::<Order>(&request)?.checked()?;
    let made = |id| made(app, &user, draft_id, id);
    let queued =
        once(app, &user, const { ROUTE.binary }, &request, made, |id| start(app, &user, draft_id, order, id))
            .await?;
    match prefer_wait(&request) {
        Some(seconds) => wait(app, draft_id, queued, seconds).await,
        None => Ok(queued),
    }
}

/// The answer to a start whose run is there already.
async fn made(app: &App, user: &User, draft_id: Uuid, id: Uuid) -> Result<Option<Response>, Problem> {
    get(app, user, draft_id).await?;
    let run = app.store().runs.get(draft_id, id).await?;
    run.map(|run| accepted(app, run)).transpose()
}

async fn start(app: &App, user: &User, draft_id: Uuid, order: Order, id: Uuid) -> Result<Response, Problem> {
    let store = app.store();
    let model = model(app, order.model.as_deref())?;
    let order = Order { topic: crate::topics::named(app, &order.topic).await??, ..order };
    if store.articles.topic(&order.topic).await?.is_none() {
        let detail =
            format!("There is no topic named \"{}\". Choose one from the list of topics.", order.topic);
        return Err(FieldError::new("topic", detail).into());
    }
    accepted(app, queue(app, user, draft_id, &order, model, id).await?)
}

/// Queues the run within the limits; what it was when this call or an earlier
/// one of the same id did it.
async fn queue(
    app: &App,
    user: &User,
    draft_id: Uuid,
    order: &Order,
    model: &Model,
    id: Uuid,
) -> Result<Run, Problem> {
    let runs = &app.store().runs;
    let demand = Demand { user: &user.id, spend: estimate(model), limits: &app.config.limits };
    for attempt in 1..=ATTEMPTS {
        let draft = get(app, user, draft_id).await?;
        draft.check_runnable("A test")?;
        let run = Run::queued(id, &draft, order, &model.id, app.now());
        match runs.start(&draft, &run, demand, app.now()).await? {
            Started::Started => {
                announce(app, draft_id, id).await;
                return Ok(run);
            }
            Started::Exists => {
                return runs.get(draft_id, id).await?.ok_or_else(|| Problem::not_found("test"));
            }
            Started::DraftChanged => tokio::time::sleep(pause(attempt)).await,
            Started::Gone => return Err(Problem::not_found("draft")),
            Started::Limited(limit) => return Err(Problem::limited(limit, app.now())),
        }
    }
    Err(Problem::new(Code::Conflict, "The draft is being saved right now. No test was started; try again."))
}

async fn get(app: &App, user: &User, id: Uuid) -> Result<shared::domain::draft::Draft, Problem> {
    app.store().drafts.get(&user.id, id, app.now()).await?.ok_or_else(|| Problem::not_found("draft"))
}

fn model<'a>(app: &'a App, id: Option<&str>) -> Result<&'a Model, Problem> {
    app.models().find(id).ok_or_else(|| match id {
        Some(id) => FieldError::new(
            "model",
            format!("There is no model \"{id}\". Choose one from the list of models."),
        )
        .into(),
        None => no_model(),
    })
}

/// No model is configured at all.
pub(crate) fn no_model() -> Problem {
    Problem::new(
        Code::Unavailable,
        "No model is set up, so nothing can be run. Everything you wrote is kept. Whoever runs this workshop can \
         add a model with WORKSHOP_LLM_URL or WORKSHOP_MODELS.",
    )
}

/// Puts the run into the queue. A message that can't be sent is no error for
/// the caller: the run stands in the store, where `recover-runs` finds it.
async fn announce(app: &App, draft_id: Uuid, test_id: Uuid) {
    if let Err(error) = app.queue().announce(RunMessage { draft_id, test_id }).await {
        tracing::warn!(%test_id, %error, "a run could not be announced; it will be recovered");
    }
}

fn accepted(app: &App, run: Run) -> Result<Response, Problem> {
    let location = format!("/api/auspex/prompts/workshop/drafts/{}/tests/{}", run.draft_id, run.test_id);
    let mut response = json_response(StatusCode::ACCEPTED, &RunView::of(app, run))?;
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_str(&location).map_err(Problem::internal)?);
    Ok(response)
}

/// Waits for the end of the run that `queued` announces.
async fn wait(app: &App, draft_id: Uuid, queued: Response, seconds: u64) -> Result<Response, Problem> {
    #[derive(serde::Deserialize)]
    struct Announced {
        test_id: Uuid,
    }
    let Announced { test_id } = serde_json::from_slice(queued.body().as_ref()).map_err(Problem::internal)?;
    let waited = tokio::time::timeout(Duration::from_secs(seconds), async {
        loop {
            match app.store().runs.get(draft_id, test_id).await? {
                Some(run) if !run.status.is_final() => tokio::time::sleep(LOOK_EVERY).await,
                _ => return Ok::<_, Problem>(()),
            }
        }
    });
    match waited.await {
        Err(_) => Ok(queued),
        Ok(looked) => {
            looked?;
            let mut response = json_response(StatusCode::OK, &super::full(app, draft_id, test_id).await?)?;
            let applied = HeaderValue::from_str(&format!("wait={seconds}")).map_err(Problem::internal)?;
            response.headers_mut().insert("preference-applied", applied);
            Ok(response)
        }
    }
}
