//! What the code is made of, as JSON, for the test that holds the template and
//! the router of `cargo lambda watch` to it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use functions::jobs::JOBS;
use functions::{Access, Handle, ROUTES};
use serde_json::json;
use shared::config::{Config, Tables};
use shared::limits::Limits;
use shared::store::tables::specs;

/// As the workshop's own embeddings have them.
const DIMENSIONS: u32 = 256;

fn main() {
    let routes: Vec<_> = ROUTES
        .iter()
        .map(|route| {
            json!({
                "binary": route.binary, "method": route.method.as_str(), "path": route.path,
                "open": route.access == Access::Open, "streams": matches!(route.handle, Handle::Streaming(_)),
            })
        })
        .collect();
    let jobs: Vec<_> = JOBS
        .iter()
        .map(|(binary, trigger)| json!({"binary": binary, "trigger": format!("{trigger:?}")}))
        .collect();
    let tables: Vec<_> = specs(&Tables::with_prefix("stack"), DIMENSIONS)
        .iter()
        .map(|table| {
            let indexes: Vec<_> = table
                .indexes
                .iter()
                .map(|index| {
                    json!({
                        "name": index.name, "hash": index.hash, "range": index.range,
                        "range_is_number": index.range_is_number, "carries": index.carries,
                    })
                })
                .collect();
            let vectors = table.vectors.as_ref().map(|vectors| {
                json!({
                    "name": vectors.name, "vector": vectors.vector, "dimensions": vectors.dimensions,
                    "hash": vectors.hash, "filters": vectors.filters,
                })
            });
            json!({
                "name": table.name, "indexes": indexes, "vectors": vectors,
                "expires": table.expires, "streams": table.streams,
            })
        })
        .collect();
    let parts = json!({
        "routes": routes,
        "jobs": jobs,
        "tables": tables,
        "settings": settings(),
        "limits": Limits::default().settings().into_iter().collect::<std::collections::BTreeMap<_, _>>(),
        "page_policy": local::CONTENT_SECURITY_POLICY,
    });
    println!("{parts}");
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
