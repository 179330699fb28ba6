//! The binaries, one over each `handle`, and the router of `cargo lambda watch`.

use std::collections::BTreeMap;

use functions::route::{Handle, Start};
use functions::{job, route};

/// A route's binary: its file's name and text.
pub fn route(placed: &route::Placed) -> (String, String) {
    let route = placed.route;
    let streams = matches!(route.handle, Handle::Streaming(_));
    let (serve, first) = match route.start {
        Start::NoStore => ("serve_without_store", String::new()),
        Start::Connections(calls) if streams => ("serve_streaming", format!("{calls}, ")),
        Start::Connections(1) => ("serve", String::new()),
        Start::Connections(calls) => ("serve_parallel", format!("{calls}, ")),
        Start::Prepared(calls) => ("serve_prepared", format!("{calls}, prepare, ")),
    };
    let used = if matches!(route.start, Start::Prepared(_)) { "{handle, prepare}" } else { "handle" };
    let says = format!("{} {}", route.method, route.path);
    let served = format!("{serve}({first}|app, request| Box::pin(handle(app, request)))");
    (format!("{}.rs", route.binary), binary(&says, placed.module, used, &served))
}

/// A job's binary: its file's name and text.
pub fn job(placed: &job::Placed) -> (String, String) {
    let served = "serve_events(|app, event| Box::pin(handle(app, event)))";
    (format!("{}.rs", placed.job.binary), binary(placed.job.summary, placed.module, "handle", served))
}

fn binary(says: &str, module: &str, used: &str, served: &str) -> String {
    format!(
        "//! {says}\n\nuse {module}::{used};\n\nfn main() -> std::process::ExitCode {{\n    shared::http::{served}\n}}\n"
    )
}

/// The configuration of cargo-lambda, which has the router of its `watch`.
pub fn router() -> String {
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for route in functions::routes() {
        let entry = format!("{{ function = \"{}\", method = \"{}\" }}", route.binary, route.method);
        paths.entry(route.path).or_default().push(entry);
    }
    let lines = paths.iter().map(|(path, entries)| format!("\"{path}\" = [{}]\n", entries.join(", ")));
    format!(
        "# Written by `make routes`: where `cargo lambda watch` finds the function of each route.\n[watch.router]\n{}",
        lines.collect::<String>()
    )
}
