//! What the code is made of, as JSON, for the test that holds what functions may
//! do to what their binaries can come to.

use std::cell::RefCell;
use std::collections::BTreeSet;

use functions::job::Trigger;
use functions::jobs::JOBS;
use functions::may::{May, Table};
use functions::routes;
use serde_json::json;
use shared::config::Config;
use shared::limits::Limits;

fn main() {
    let routes = routes().map(|route| json!({"binary": route.binary, "may": pairs(route.may)}));
    let jobs = JOBS.iter().map(|placed| {
        let (job, queue) = (placed.job, queue(&placed.job.trigger));
        json!({"binary": job.binary, "may": pairs(job.may), "timeout": job.timeout(), "queue": queue})
    });
    let parts = json!({
        "functions": routes.chain(jobs).collect::<Vec<_>>(),
        "settings": settings(),
        "limits": Limits::default().settings().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "page_policy": local::CONTENT_SECURITY_POLICY,
    });
    println!("{parts}");
}

/// What a function may do, as pairs of a resource of the template and an action.
fn pairs(may: &[May]) -> Vec<(String, String)> {
    let table = |table: &Table, action: &str| (format!("{table:?}Table"), format!("dynamodb:{action}"));
    let pairs = may.iter().flat_map(|may| match may {
        May::Items(of, operations) => {
            operations.iter().map(|operation| table(of, operation.name())).collect()
        }
        May::Index(of, _) => vec![table(of, "Query")],
        May::Vectors => vec![table(&Table::Articles, "SearchVectors")],
        May::Messages(queue, actions) => actions
            .iter()
            .map(|action| (format!("{queue:?}Queue"), format!("sqs:{}", action.name())))
            .collect(),
        May::Files(actions) => actions
            .iter()
            .map(|action| ("UploadsBucket".to_owned(), format!("s3:{}", action.name())))
            .collect(),
        May::ModelKeys | May::EmbeddingKey => vec![("ModelKeys".to_owned(), "ssm:GetParameters".to_owned())],
    });
    pairs.collect()
}

/// The queue that calls a job.
fn queue(trigger: &Trigger) -> Option<String> {
    match trigger {
        Trigger::Messages { queue, .. } => Some(format!("{queue:?}Queue")),
        _ => None,
    }
}

/// The names of everything that a function reads from its environment.
fn settings() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let read = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        let given = match name {
            "WORKSHOP_MODELS" => "[]".to_owned(),
            "WORKSHOP_EMBEDDINGS" => String::new(),
            name if name.starts_with("WORKSHOP_LIMIT") => "1".to_owned(),
            _ => "x".repeat(32),
        };
        Some(given)
    });
    read.expect("these settings can be read");
    asked.into_inner()
}
