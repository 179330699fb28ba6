//! POST …/imports/{import_id}/run: queues an import whose file was uploaded.
//! A repeat changes nothing and answers how it stands.

use lambda_http::http::StatusCode;
use shared::app::App;
use shared::auth::user;
use shared::http::{Problem, Request, Response, json_response};
use shared::queue::ImportMessage;
use shared::store::Handed;

/// Queues an import.
pub async fn handle(app: &App, request: Request) -> Result<Response, Problem> {
    let user = user(app, &request).await?;
    let import = super::of_path(app, &user, &request).await?;
    let import = match app.store().imports.hand_over(&user.id, import.id, app.now()).await? {
        Handed::Gone => return Err(Problem::not_found("import")),
        Handed::Before(import) => import,
        Handed::Queued(import) => {
            // A message that can't be sent is no error for the caller: the
            // import stands in the store, where `recover-runs` finds it.
            if let Err(error) = app.imports_queue().announce(ImportMessage { import_id: import.id }).await {
                tracing::warn!(import_id = %import.id, %error, "an import could not be announced; it will be recovered");
            }
            import
        }
    };
    json_response(StatusCode::ACCEPTED, &import)
}
