//! What a function reads from its environment, made of this machine's settings.

use serde_json::{Map, json};
use shared::config::{Config, EmbeddingService};
use shared::domain::model::{ApiKey, Manner, Model};

use crate::machine::{CREDENTIALS, REGION};

/// What the functions read from their environment: the settings that `config` has.
pub fn environment(config: &Config) -> Vec<(String, String)> {
    let mut settings = vec![
        ("WORKSHOP_DRAFTS_TABLE", config.tables.drafts.clone()),
        ("WORKSHOP_LIBRARY_TABLE", config.tables.library.clone()),
        ("WORKSHOP_ARTICLES_TABLE", config.tables.articles.clone()),
        ("WORKSHOP_USAGE_TABLE", config.tables.usage.clone()),
        ("WORKSHOP_QUEUE_URL", config.queue_url.clone()),
        ("WORKSHOP_IMPORTS_QUEUE_URL", config.imports_queue_url.clone()),
        ("WORKSHOP_UPLOADS_URL", config.uploads_url.clone()),
        ("WORKSHOP_ISSUER", config.issuer.clone()),
        ("WORKSHOP_CLIENT_ID", config.client_id.clone()),
        ("WORKSHOP_CURSOR_KEY", config.cursor_key.reveal().to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", CREDENTIALS.0.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.1.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", config.endpoints.dynamodb.clone().unwrap_or_default()),
        ("AWS_ENDPOINT_URL_SQS", config.endpoints.sqs.clone().unwrap_or_default()),
    ];
    settings.extend(config.limits.settings().map(|(name, value)| (name, value.to_string())));
    let mut settings: Vec<_> = settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let (models, keys) = models(&config.models);
    settings.push(("WORKSHOP_MODELS".to_owned(), models));
    settings.extend(keys);
    settings.extend(config.embeddings.iter().flat_map(embeddings));
    settings
}

/// `WORKSHOP_EMBEDDINGS`, and the variable that holds its key.
fn embeddings(service: &EmbeddingService) -> Vec<(String, String)> {
    const KEY: &str = "WORKSHOP_EMBEDDINGS_KEY";
    let (key_parameter, key) = match &service.api_key {
        ApiKey::None => (None, None),
        ApiKey::Parameter(name) => (Some(name.as_str()), None),
        ApiKey::Known(key) => (Some(KEY), Some(key.reveal().to_owned())),
    };
    let setting = json!({
        "base_url": service.base_url, "model": service.model, "key_parameter": key_parameter,
        "dimensions": service.dimensions, "least_similarity": service.least_similarity,
    });
    let key = key.map(|key| (KEY.to_owned(), key));
    std::iter::once(("WORKSHOP_EMBEDDINGS".to_owned(), setting.to_string())).chain(key).collect()
}

/// `WORKSHOP_MODELS`, and the variables that hold the keys it names.
fn models(models: &[Model]) -> (String, Vec<(String, String)>) {
    let mut keys = Vec::new();
    let list: Vec<_> = models
        .iter()
        .map(|model| {
            let key_parameter = match &model.api_key {
                ApiKey::None => None,
                ApiKey::Parameter(name) => Some(name.clone()),
                ApiKey::Known(key) => {
                    let name = format!("WORKSHOP_MODEL_KEY_{}", keys.len());
                    keys.push((name.clone(), key.reveal().to_owned()));
                    Some(name)
                }
            };
            let Manner { model: name, parameters, headers, first_token, silence, system_role } =
                &model.manner;
            let headers: Map<_, _> =
                headers.iter().map(|(name, value)| (name.clone(), value.reveal().into())).collect();
            json!({
                "id": model.id, "label": model.label, "model": name, "base_url": model.base_url,
                "key_parameter": key_parameter, "context_window": model.context_window,
                "max_output_tokens": model.max_output_tokens, "slow": model.slow,
                "supports_tools": model.supports_tools,
                "price_in": model.price_in, "price_out": model.price_out,
                "parameters": parameters, "headers": headers,
                "deadlines": {
                    "first_token": first_token.map(|wait| wait.as_secs()),
                    "silence": silence.map(|wait| wait.as_secs()),
                },
                "roles": {"system": system_role},
            })
        })
        .collect();
    (json!(list).to_string(), keys)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::config::{parse_embeddings, parse_models};
    use shared::domain::model::{Secret, SystemRole};

    use super::*;

    #[test]
    fn a_watched_function_reads_the_embeddings_as_they_are_here() {
        let there = EmbeddingService {
            base_url: "http://127.0.0.1:1/v1".into(),
            model: "m".into(),
            api_key: ApiKey::Known(Secret::new("sk-1")),
            dimensions: 64,
            least_similarity: 0.5,
        };
        let settings = embeddings(&there);
        let lookup =
            |name: &str| settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let read = parse_embeddings(&lookup("WORKSHOP_EMBEDDINGS").unwrap(), &lookup).unwrap();
        assert_eq!(format!("{read:?}"), format!("{there:?}"));
        assert!(matches!(&read.api_key, ApiKey::Known(key) if key.reveal() == "sk-1"));
    }

    #[test]
    fn a_watched_function_reads_the_models_as_they_are_here() {
        let there = vec![Model {
            id: "m".into(),
            label: "M".into(),
            base_url: "http://127.0.0.1:1/v1".into(),
            api_key: ApiKey::Known(Secret::new("sk-1")),
            slow: true,
            context_window: 4_096,
            max_output_tokens: 320,
            supports_tools: true,
            price_in: 0.5,
            price_out: 2.0,
            manner: Manner {
                model: Some("gpt-5".to_owned()),
                parameters: [("top_p".to_owned(), json!(0.5))].into_iter().collect(),
                headers: vec![("api-key".to_owned(), Secret::new("{key}"))],
                first_token: Some(Duration::from_secs(90)),
                silence: None,
                system_role: SystemRole::User,
            },
        }];
        let (json, keys) = models(&there);
        assert!(!json.contains("sk-1"));
        let lookup = |name: &str| keys.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let read = parse_models(&json, &lookup).unwrap();
        assert_eq!(format!("{read:?}"), format!("{there:?}"));
        assert!(matches!(&read[0].api_key, ApiKey::Known(key) if key.reveal() == "sk-1"));
    }
}
