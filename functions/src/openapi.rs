//! GET /api/openapi.json: the OpenAPI 3.1 document.
//!
//! It is made from the route table and the types (`document`), and kept in
//! `functions/openapi.json`, so that the function that serves it carries no
//! other route's code and the page's types can be made from a file. A test
//! holds the file to the types; `make openapi` writes it anew.

use lambda_http::http::{HeaderValue, header};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use shared::app::App;
use shared::domain::article::TOPIC_NAME_MAX;
use shared::domain::text::{LINE, PROSE, SHORT_LINE};
use shared::http::{Problem, ProblemBody, Request, Response};

use crate::routes::{Access, Answer, Body, ROUTES, Route, Value as May};

/// The document as it was last written.
pub const WRITTEN: &str = include_str!("../openapi.json");

/// Serves the document.
pub async fn handle(_: &App, _: Request) -> Result<Response, Problem> {
    let mut response = Response::new(WRITTEN.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The document, made from the route table and the types.
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = generator.subschema_for::<ProblemBody>();
    let mut paths = Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(verbs) = path.as_object_mut() {
            verbs.insert(route.method.as_str().to_lowercase(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Prompt Workshop",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Design a system prompt in conversation, test it on real articles, rate the results, \
                and commit it to a shared library. Errors are application/problem+json (RFC 9457).",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {"Problem": {
                "description": "What went wrong, and what to do.",
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "schemas": generator.take_definitions(true),
        },
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    let (status, answer) = answer(&route.gives, generator);
    responses.insert(status.to_string(), answer);
    responses.insert("default".to_owned(), json!({"$ref": "#/components/responses/Problem"}));
    if route.headers.iter().any(|(name, ..)| *name == "If-None-Match") {
        responses.insert("304".to_owned(), json!({"description": "What the ETag names still holds."}));
    }
    if route.headers.iter().any(|(name, ..)| *name == "Prefer") {
        let run = generator.subschema_for::<crate::tests::FullRunView>();
        let content = json!({"application/json": {"schema": run}});
        responses.insert("200".to_owned(), json!({"description": "The run has ended.", "content": content}));
    }
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(route.binary));
    operation.insert("summary".to_owned(), json!(route.summary));
    operation.insert("parameters".to_owned(), json!(parameters(route)));
    if let Some(body) = body(&route.takes, generator) {
        operation.insert("requestBody".to_owned(), body);
    }
    operation.insert("responses".to_owned(), Value::Object(responses));
    if route.access == Access::Open {
        operation.insert("security".to_owned(), json!([]));
    }
    Value::Object(operation)
}

fn parameters(route: &Route) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        let may = if name == "topic" { May::Line(1, TOPIC_NAME_MAX) } else { May::Any };
        json!({"name": name, "in": "path", "required": true, "schema": schema(may)})
    });
    let mut parameters: Vec<_> = in_path.collect();
    for (place, named) in [("query", route.query), ("header", route.headers)] {
        for (name, may, says) in named {
            let schema = schema(*may);
            parameters.push(json!({"name": name, "in": place, "description": says, "schema": schema}));
        }
    }
    parameters
}

fn schema(may: May) -> Value {
    match may {
        May::Any => json!({"type": "string"}),
        May::Line(least, most) => {
            let pattern = if least > 1 { LINE } else { SHORT_LINE };
            json!({"type": "string", "minLength": least, "maxLength": most, "pattern": pattern})
        }
        May::Prose(most) => json!({"type": "string", "maxLength": most, "pattern": PROSE}),
        May::Number(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        May::Word(words) => json!({"type": "string", "enum": words}),
        May::Form(pattern) => json!({"type": "string", "pattern": pattern}),
    }
}

fn body(body: &Body, generator: &mut SchemaGenerator) -> Option<Value> {
    match body {
        Body::Nothing => None,
        Body::Json(schema) => {
            Some(json!({"required": true, "content": {"application/json": {"schema": schema(generator)}}}))
        }
        Body::OptionalJson(schema) => {
            Some(json!({"required": false, "content": {"application/json": {"schema": schema(generator)}}}))
        }
        Body::Articles => {
            let text = |example| json!({"schema": {"type": "string"}, "example": example});
            let lines = text(
                "{\"title\": \"Two new cranes\", \"url\": \"https://example.org/1\", \"text\": \"They lift.\"}\n",
            );
            let csv = text("title,url,text\nTwo new cranes,https://example.org/1,They lift.\n");
            Some(json!({"required": true, "content": {"application/x-ndjson": lines, "text/csv": csv}}))
        }
    }
}

fn answer(answer: &Answer, generator: &mut SchemaGenerator) -> (u16, Value) {
    match answer {
        Answer::Json(status, schema) => {
            let content = json!({"application/json": {"schema": schema(generator)}});
            (*status, json!({"description": "Done.", "content": content}))
        }
        Answer::Events => {
            let content = json!({"text/event-stream": {"schema": {"type": "string"}}});
            let description = "data: {\"content\": \"…\"} many times, then data: {\"done\": true, \"message_id\": …, \
                \"usage\": …, \"model\": …, \"truncated\": …, \"stopped\": …}, or data: {\"error\": {problem}}. \
                Stopped before the first word, message_id is null.";
            (200, json!({"description": description, "content": content}))
        }
        Answer::Document => {
            let content = json!({"application/json": {"schema": {"type": "object"}}});
            (200, json!({"description": "The document.", "content": content}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `make openapi` runs this with `WRITE_OPENAPI=1`.
    #[test]
    fn the_written_document_is_what_the_types_say() {
        let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os("WRITE_OPENAPI").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json"), text).unwrap();
            return;
        }
        assert!(text == WRITTEN, "functions/openapi.json is not what the types say: run `make openapi`");
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = document();
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    fn collect(value: &Value, references: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| collect(value, references));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, references)),
            _ => {}
        }
    }

    #[test]
    fn a_problem_without_fields_has_all_that_the_document_requires() {
        let told = serde_json::to_value(Problem::not_found("draft").body("request")).unwrap();
        let document = document();
        let required = document["components"]["schemas"]["ProblemBody"]["required"].as_array().unwrap();
        assert!(!required.is_empty());
        for field in required {
            assert!(told.get(field.as_str().unwrap()).is_some(), "{field} in {told}");
        }
    }

    #[test]
    fn each_route_has_a_binary_of_its_own() {
        for route in ROUTES {
            let path = format!("{}/src/bin/{}.rs", env!("CARGO_MANIFEST_DIR"), route.binary);
            assert!(std::path::Path::new(&path).exists(), "{path}");
        }
        let mut names: Vec<_> = ROUTES.iter().map(|route| route.binary).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROUTES.len());
    }
}
