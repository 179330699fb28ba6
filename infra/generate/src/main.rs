//! `make routes`: writes what is derived from the routes, the jobs and the
//! tables. With `--check` it writes nothing and fails where something differs.
//!
//! | written | from |
//! |---|---|
//! | `functions/src/bin/*.rs` | each route's and job's name and module, and how it starts |
//! | `functions/openapi.json` | the routes and the types of their bodies |
//! | `infra/settings.schema.json` | the settings of models and embeddings, by which `infra/deploy.py` checks them |
//! | `CargoLambda.toml` | verbs, paths and names: the router of `cargo lambda watch` |
//! | `infra/template.yaml`, between its marks | functions with their policies and events; the tables' keys and indexes |
//!
//! It is run in the repository's root.

mod binaries;
mod files;
mod openapi;
mod template;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::ensure;
use files::Files;
use functions::jobs::JOBS;

/// CloudFormation takes 500 resources a stack. At this number the generator
/// stops: then a part of the template has to become a stack of its own.
const RESOURCES_MAX: usize = 450;
/// Resources that SAM makes of a function: it, its role, and a permission for
/// what calls it.
const RESOURCES_OF_FUNCTION: usize = 3;

const TEMPLATE: &str = "infra/template.yaml";

fn main() -> anyhow::Result<ExitCode> {
    let mut files = Files::new(std::env::args().any(|argument| argument == "--check"));

    let binaries = functions::placed().map(binaries::route).chain(JOBS.iter().map(binaries::job));
    files.folder("functions/src/bin", binaries.collect())?;
    files.file("functions/openapi.json", serde_json::to_string_pretty(&openapi::document())? + "\n")?;
    let settings: BTreeMap<_, _> = shared::config::schemas().into();
    files.file("infra/settings.schema.json", serde_json::to_string_pretty(&settings)? + "\n")?;
    files.file("CargoLambda.toml", binaries::router())?;
    let functions: String = functions::routes().map(template::route).collect();
    files.block(TEMPLATE, "routes", &functions)?;
    let functions: String = JOBS.iter().map(|placed| template::job(placed.job)).collect();
    files.block(TEMPLATE, "jobs", &functions)?;
    for (name, table) in template::tables() {
        files.block(TEMPLATE, name, &table)?;
    }

    let resources = template::resources(&files.read(TEMPLATE)?);
    let routes = functions::routes().count() + JOBS.len();
    let expanded = resources + routes * (RESOURCES_OF_FUNCTION - 1);
    ensure!(
        expanded <= RESOURCES_MAX,
        "the stack would have about {expanded} resources, and 500 are the most"
    );
    files.report()
}
