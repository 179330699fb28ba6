//! Files that are too large for one request: `/api/topics/{topic}/imports/…`.

use shared::app::App;
use shared::auth::User;
use shared::domain::article::{topic_name, topic_slug};
use shared::domain::large_import::LargeImport;
use shared::http::{Problem, Request, path_id, path_text};

use crate::route::routes;

routes! { start, run, get }

/// The import that the path names, if it is the user's and that topic's.
async fn of_path(app: &App, user: &User, request: &Request) -> Result<LargeImport, Problem> {
    let id = path_id(request, "import_id", "import")?;
    let import = app.store().imports.get(&user.id, id, app.now()).await?;
    let slug = |name: &str| topic_slug(&topic_name(name).unwrap_or_else(|_| name.to_owned()));
    let named = slug(&path_text(request, "topic"));
    import.filter(|import| slug(&import.topic) == named).ok_or_else(|| Problem::not_found("import"))
}
