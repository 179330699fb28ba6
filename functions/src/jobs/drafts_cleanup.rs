//! The drafts table's stream: when a draft was deleted or has expired, removes
//! what belonged to it, so that nothing goes before its draft does. Streams
//! deliver at least once; everything here may happen twice.

use aws_lambda_events::dynamodb::{Event, EventRecord};
use lambda_http::Error;
use serde::Serialize;
use shared::app::App;
use shared::store::Drafts;

use crate::prelude::*;

/// Who removes items by TTL, as the stream tells it.
const TTL_PRINCIPAL: &str = "dynamodb.amazonaws.com";

/// What was done.
#[derive(Debug, Default, Serialize)]
pub struct Cleaned {
    /// Drafts that were gone.
    pub drafts: u32,
    /// Items that belonged to them and were removed.
    pub items: u64,
}

/// The drafts table's stream: removes what belonged to a draft that is gone.
pub const JOB: Job = Job::new("drafts-cleanup", Trigger::RemovedDrafts { batch: 10 }, event!(handle))
    .says("The drafts table's stream: removes what belonged to a draft that is gone.")
    .may(&[Items(Drafts, &[Get, Query, Update, Delete, BatchWrite]), Items(Usage, &[Put, Update])])
    // A draft may have thousands of messages and runs.
    .lambda(Lambda { timeout: Some(120), ..Lambda::USUAL });

/// Cleans up. An error makes the whole batch come again.
pub async fn handle(app: &App, event: Event) -> Result<Cleaned, Error> {
    let mut cleaned = Cleaned::default();
    for record in event.records {
        let expired = expired(&record);
        if record.event_name != "REMOVE" {
            continue;
        }
        let Some((id, owner, status)) = Drafts::removed(record.change.old_image) else { continue };
        let drafts = &app.store().drafts;
        if expired {
            drafts.count_out_expired(&owner, id, status, app.now()).await?;
        }
        cleaned.items += drafts.remove_belongings(id).await?;
        cleaned.drafts += 1;
        tracing::info!(draft_id = %id, expired, "draft removed");
    }
    Ok(cleaned)
}

fn expired(record: &EventRecord) -> bool {
    record.user_identity.as_ref().is_some_and(|identity| identity.principal_id == TTL_PRINCIPAL)
}
