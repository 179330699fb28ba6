//! The OpenAPI 3.1 document, made from the routes and the types of their
//! bodies. It is kept in `functions/openapi.json`, so that the function that
//! serves it carries no other route's code, and the page's types can be made
//! from a file.

use functions::route::{Access, Answer, Body, Route, Value as May};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use shared::domain::article::TOPIC_NAME_MAX;
use shared::domain::text::{LINE, PROSE, SHORT_LINE};
use shared::http::ProblemBody;

/// Types that are called alike get numbers (`Output2`), in the order in which
/// they are met. These routes had another order before they stood by resource;
/// in it they are met, so that the names in clients' code still hold.
const NUMBERED: [&str; 4] = ["articles-import", "imports-start", "articles-search", "topics-facets"];

/// All routes, with those of [`NUMBERED`] in its order.
fn as_they_are_numbered() -> Vec<&'static Route> {
    let mut numbered = NUMBERED.iter();
    let next = |route: &'static Route| {
        let wanted = if NUMBERED.contains(&route.binary) { *numbered.next()? } else { route.binary };
        functions::routes().find(|route| route.binary == wanted)
    };
    functions::routes().filter_map(next).collect()
}

/// The document, made from the route table and the types.
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = generator.subschema_for::<ProblemBody>();
    let mut paths = Map::new();
    for route in as_they_are_numbered() {
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
    for also in route.also {
        let mut answer = Map::from_iter([("description".to_owned(), json!(also.says))]);
        if let Some(schema) = also.json {
            let content = json!({"application/json": {"schema": schema(generator)}});
            answer.insert("content".to_owned(), content);
        }
        responses.insert(also.status.to_string(), Value::Object(answer));
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
            let binary = json!({"schema": {"type": "string", "format": "binary"}});
            let article = "{\"title\": \"Two new cranes\", \"url\": \"https://example.org/1\", \"text\": \"They lift.\"}";
            Some(json!({"required": true, "content": {
                "application/x-ndjson": text(format!("{article}\n")),
                "application/json": text(format!("{{\"articles\": [{article}]}}")),
                "text/csv": text("title,url,text\nTwo new cranes,https://example.org/1,They lift.\n".to_owned()),
                "text/tab-separated-values":
                    text("title\turl\ttext\nTwo new cranes\thttps://example.org/1\tThey lift.\n".to_owned()),
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": binary,
                "application/octet-stream": binary,
            }}))
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
    use shared::http::Problem;

    use super::*;

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
    fn all_routes_are_in_the_document() {
        let mut numbered: Vec<_> = as_they_are_numbered().iter().map(|route| route.binary).collect();
        let mut all: Vec<_> = functions::routes().map(|route| route.binary).collect();
        numbered.sort_unstable();
        all.sort_unstable();
        assert_eq!(numbered, all);
    }

    #[test]
    fn each_route_and_job_has_a_name_of_its_own() {
        let routes = functions::routes().map(|route| route.binary);
        let mut names: Vec<_> =
            routes.chain(functions::jobs::JOBS.iter().map(|placed| placed.job.binary)).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
