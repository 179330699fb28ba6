//! A file that was uploaded, into a topic: what the imports' worker does.
//!
//! The file is read in parts and imported in batches; how far it is, is
//! recorded after each batch. Whoever goes on, after a crash or because a
//! worker's time is up, begins behind the last batch that was recorded: at
//! worst one batch is imported again, which changes nothing.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{BATCH, ImportStopped, Target, import};
use crate::app::App;
use crate::domain::article::Article;
use crate::domain::import::{ImportError, Line, Reader};
use crate::domain::large_import::{ATTEMPTS_MAX, LargeImport};
use crate::domain::time::Timestamp;
use crate::llm::runner::Disposition;
use crate::queue::ImportMessage;
use crate::store::{Began, OpenImport, StoreError, TakenUp};
use crate::uploads::UploadError;

/// How long one delivery may read, before it lets another go on: within
/// Lambda's 15 minutes, with room for the last batch.
pub const BUDGET: Duration = Duration::from_secs(12 * 60);
/// Bytes that are read at a time.
const PART: u64 = 1_000_000;
/// Bytes of the file that a batch takes at the most, and a part more.
const BATCH_BYTES: u64 = 2_000_000;
/// How often the lease is renewed.
const HEARTBEAT: Duration = Duration::from_secs(8);
/// An import that met a failing store or bucket is tried again after this, in seconds.
const AFTER_FAILURE: u32 = 5;

/// How a reading ended.
enum Read {
    /// At the file's end.
    Whole,
    /// Before it, because the budget is used up.
    OutOfTime,
    /// The lease is another's: nothing may be written any more.
    LeaseLost,
    /// The file can't be imported, says this sentence.
    Unusable(String),
}

/// What may pass.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Topic(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Upload(#[from] UploadError),
}

/// Imports the file that `message` announces, if it still waits: to its end,
/// or for about as long as `budget` says.
pub async fn run(app: &App, message: ImportMessage, budget: Duration) -> Result<Disposition, StoreError> {
    let imports = &app.store().imports;
    let mut open = match imports.take_up(message.import_id, app.new_id(), app.now()).await? {
        TakenUp::Mine(open) => *open,
        TakenUp::Hopeless(open) => {
            end(app, &open, Some(gave_up(&open.import))).await?;
            return Ok(Disposition::Done);
        }
        TakenUp::Held | TakenUp::Over => return Ok(Disposition::Done),
    };
    let until = Instant::now() + budget;
    let lease = open.clone();
    let read = tokio::select! {
        read = read(app, &mut open, until) => read,
        () = lease_lost(app, &lease) => Ok(Read::LeaseLost),
    };
    match read {
        Ok(Read::Whole) => end(app, &open, None).await?,
        Ok(Read::Unusable(sentence)) => end(app, &open, Some(sentence)).await?,
        Ok(Read::LeaseLost) => {}
        Ok(Read::OutOfTime) => {
            if imports.let_go(&open, app.now()).await?
                && let Err(error) = app.imports_queue().announce(message).await
            {
                tracing::warn!(import_id = %message.import_id, %error, "the rest of an import could not be announced");
                return Ok(Disposition::Again(AFTER_FAILURE));
            }
        }
        Err(Trouble::Topic(sentence)) => end(app, &open, Some(sentence)).await?,
        Err(trouble) => {
            let (import_id, attempt) = (message.import_id, open.attempts);
            tracing::error!(%import_id, attempt, error = %trouble, "an import could not go on");
            if open.attempts >= ATTEMPTS_MAX {
                end(app, &open, Some(gave_up(&open.import))).await?;
            } else if imports.let_go(&open, app.now()).await? {
                return Ok(Disposition::Again(AFTER_FAILURE));
            }
        }
    }
    Ok(Disposition::Done)
}

/// Reads on to the end, or until `until`.
async fn read(app: &App, open: &mut OpenImport, until: Instant) -> Result<Read, Trouble> {
    let file = open.import.id.to_string();
    // Its own time, so that a batch that is imported again is the same.
    let now = open.import.created_at;
    let target = Target::of_person(&open.import.topic, &open.owner);
    let mut target = target.going_on(open.began.map(|began| began.made_at));
    let mut reader = Reader::resume(open.import.options(), &open.place, now);
    let mut batch = Vec::with_capacity(BATCH);
    let mut offset = open.place.offset();
    while offset < open.import.bytes {
        let part = match app.uploads().read(&file, offset, PART, app.now()).await {
            Err(UploadError::Absent) => return Ok(Read::Unusable(absent(&open.import))),
            part => part?,
        };
        if part.total != open.import.bytes {
            return Ok(Read::Unusable(other_size(&open.import, part.total)));
        }
        if part.bytes.is_empty() {
            return Err(UploadError::Failed("a part of a file is empty".to_owned()).into());
        }
        offset += part.bytes.len() as u64;
        let mut input: &[u8] = &part.bytes;
        loop {
            match reader.read(&mut input) {
                Err(error) => return Ok(Read::Unusable(unreadable(&error))),
                Ok(None) => break,
                Ok(Some(line)) => take(open, &mut batch, line),
            }
            if batch.len() >= BATCH && !keep(app, open, &mut target, &mut batch, &reader, now).await? {
                return Ok(Read::LeaseLost);
            }
        }
        let unkept = reader.place().mark.offset - open.place.mark.offset;
        if unkept >= BATCH_BYTES && !keep(app, open, &mut target, &mut batch, &reader, now).await? {
            return Ok(Read::LeaseLost);
        }
        if Instant::now() >= until && offset < open.import.bytes {
            let kept = keep(app, open, &mut target, &mut batch, &reader, now).await?;
            return Ok(if kept { Read::OutOfTime } else { Read::LeaseLost });
        }
    }
    // The end of a small file, and of a workbook, is all of it.
    loop {
        match reader.close() {
            Err(error) => return Ok(Read::Unusable(unreadable(&error))),
            Ok(None) => break,
            Ok(Some(line)) => take(open, &mut batch, line),
        }
        if batch.len() >= BATCH {
            if !keep(app, open, &mut target, &mut batch, &reader, now).await? {
                return Ok(Read::LeaseLost);
            }
            if Instant::now() >= until {
                return Ok(Read::OutOfTime);
            }
        }
    }
    let kept = keep(app, open, &mut target, &mut batch, &reader, now).await?;
    Ok(if kept { Read::Whole } else { Read::LeaseLost })
}

impl From<ImportStopped> for Trouble {
    fn from(stopped: ImportStopped) -> Self {
        match stopped {
            ImportStopped::Store(error) => Self::Store(error),
            ImportStopped::TopicGone => Self::Topic(
                "The topic was deleted while the file was read. What was imported went with it; import the \
                 file again to make the topic anew."
                    .to_owned(),
            ),
            ImportStopped::TopicRemoving => Self::Topic(
                "A topic of this name was deleted a moment ago, and its articles are still being removed. \
                 Nothing was imported; import the file again in a few minutes."
                    .to_owned(),
            ),
        }
    }
}

fn take(open: &mut OpenImport, batch: &mut Vec<Article>, line: Line) {
    match line {
        Ok(article) => batch.push(article),
        Err(rejected) => open.import.reject(rejected),
    }
}

/// Imports the batch and records it; false when the lease was lost.
async fn keep(
    app: &App,
    open: &mut OpenImport,
    target: &mut Target,
    batch: &mut Vec<Article>,
    reader: &Reader,
    now: Timestamp,
) -> Result<bool, Trouble> {
    let articles = std::mem::replace(batch, Vec::with_capacity(BATCH));
    if open.began.is_none() && !articles.is_empty() {
        // Kept before anything is imported: tried again, it goes into the same topic or none.
        target.begin(app).await?;
        open.began = target.began().map(|made_at| Began { made_at });
        if !app.store().imports.begin(open).await? {
            return Ok(false);
        }
    }
    let imported = import(app, target, articles, now).await?;
    open.import.added += imported.added;
    open.import.updated += imported.updated;
    open.import.duplicates += imported.duplicates;
    open.place = reader.place();
    open.import.format = reader.format().or(open.import.format);
    open.import.notes = reader.notes();
    Ok(app.store().imports.advance(open, app.now()).await?)
}

/// Renews the lease for as long as it is held.
async fn lease_lost(app: &App, lease: &OpenImport) {
    let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        match app.store().imports.renew(lease, app.now()).await {
            Ok(true) => {}
            Ok(false) => return,
            // A lease that is not renewed ends by itself.
            Err(error) => tracing::warn!(%error, "the lease of an import could not be renewed"),
        }
    }
}

/// Ends the import and removes its file.
async fn end(app: &App, open: &OpenImport, error: Option<String>) -> Result<(), StoreError> {
    if !app.store().imports.end(open, error.as_deref(), app.now()).await? {
        return Ok(());
    }
    let import = &open.import;
    tracing::info!(
        import_id = %import.id,
        finished = error.is_none(),
        bytes = import.bytes_read,
        added = import.added,
        updated = import.updated,
        duplicates = import.duplicates,
        rejected = import.rejected_total,
        "file imported"
    );
    if let Err(error) = app.uploads().remove(&import.id.to_string(), app.now()).await {
        tracing::warn!(import_id = %import.id, %error, "an uploaded file is left; the bucket's own rule removes it");
    }
    Ok(())
}

fn unreadable(error: &ImportError) -> String {
    format!("{error} Nothing was imported; change the file and import it again.")
}

fn absent(import: &LargeImport) -> String {
    match import.bytes_read {
        0 => {
            "The file was not uploaded, or not to its end. Nothing was imported; import it again.".to_owned()
        }
        _ => "The file is no longer there. What was imported so far is kept; import it again for the rest."
            .to_owned(),
    }
}

fn other_size(import: &LargeImport, total: u64) -> String {
    format!(
        "The file that was uploaded has {total} bytes where {} were announced. {} import it again.",
        import.bytes,
        kept(import)
    )
}

fn gave_up(import: &LargeImport) -> String {
    format!(
        "The file could not be read to its end, though it was tried several times. {} import it again.",
        kept(import)
    )
}

fn kept(import: &LargeImport) -> &'static str {
    if import.bytes_read == 0 { "Nothing was imported;" } else { "What was imported so far is kept;" }
}
