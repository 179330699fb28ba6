//! Imports of files that are too large for one request: uploaded first, then
//! read by a worker, in the background.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::dates::DateOrder;
use super::import::{Choices, ImportFormat, ImportOptions, Rejected};
use super::text::Errors;
use super::time::Timestamp;

/// The largest file, in bytes.
pub const BYTES_MAX: u64 = 200_000_000;
/// How long a file may be uploaded after its import was started.
pub const UPLOAD_MS: i64 = 60 * 60_000;
/// How long an import is kept, with what it did.
pub const KEPT_DAYS: i64 = 7;
/// Rejections that are told one by one.
pub const REJECTED_SHOWN: usize = 100;

/// A worker that has not renewed its lease for this long is taken to be dead.
pub const LEASE_MS: i64 = 30_000;
/// An import that waits, and of which nothing was heard for this long, is announced again.
pub const PATIENCE_MS: i64 = 60_000;
/// Times an import is taken up without getting on before it is given up.
pub const ATTEMPTS_MAX: u32 = 3;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportStatus {
    /// Its file is awaited.
    Uploading,
    /// Waiting for a worker.
    Queued,
    /// Being read, or waiting for a worker to go on.
    Running,
    /// Read to its end.
    Finished,
    /// Ended before that; what was imported is kept.
    Failed,
}

impl ImportStatus {
    /// The word used in JSON and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uploading => "uploading",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more will happen to the import.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Finished | Self::Failed)
    }
}

/// What an import is started with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileOrder {
    /// How the articles are written down. It may be left out: the file itself shows it.
    #[serde(default)]
    pub format: Option<ImportFormat>,
    /// The file's size in bytes, at most 200,000,000.
    #[schemars(range(min = 1, max = 200_000_000))]
    pub bytes: u64,
    /// What columns are taken for where their names don't say it, as in `Headline:title,Foo:-`.
    #[serde(default)]
    #[schemars(length(max = 10_000))]
    pub columns: Option<String>,
    /// Which of day and month is first in dates such as `03/04/2026`, where no other date of the file shows it.
    #[serde(default)]
    pub dates: Option<DateOrder>,
}

/// The longest text that says what columns are taken for, in characters.
pub const COLUMNS_MAX: usize = 10_000;

impl FileOrder {
    /// Checks every limit that can be checked without a store.
    pub fn checked(self) -> Result<Self, Vec<super::text::FieldError>> {
        let mut errors = Errors::default();
        if self.bytes == 0 {
            errors.push("bytes", "The file is empty: there is nothing to import.");
        } else if self.bytes > BYTES_MAX {
            errors.push(
                "bytes",
                "A file may have up to 200 MB. Split it, and import one part after the other.",
            );
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        errors.prose("columns", columns, 0, COLUMNS_MAX);
        if let Err(sentence) = Choices::parse(columns) {
            errors.push("columns", sentence);
        }
        errors.or(self)
    }
}

/// The import of a file that is uploaded first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LargeImport {
    /// Its id.
    pub id: Uuid,
    /// The topic that the articles go into.
    pub topic: String,
    /// How they are written down: as the file shows, once it is read; as was said, before.
    #[serde(default)]
    pub format: Option<ImportFormat>,
    /// What its columns are taken for, as was said.
    #[serde(default)]
    pub columns: Option<String>,
    /// Which of day and month is first in its dates, as was said.
    #[serde(default)]
    pub dates: Option<DateOrder>,
    /// Where it stands.
    pub status: ImportStatus,
    /// The file's size.
    pub bytes: u64,
    /// How much of it was read.
    pub bytes_read: u64,
    /// Articles that were new.
    pub added: u64,
    /// Articles whose URL was there already, now as imported.
    pub updated: u64,
    /// Articles whose text is there under another address: theirs is kept beside it.
    pub duplicates: u64,
    /// The lines that were not taken, and why; the first hundred.
    pub rejected: Vec<Rejected>,
    /// How many lines were not taken.
    pub rejected_total: u64,
    /// What is to be said of the file, a sentence each: what was passed over, and how many articles have no date.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Why it failed, and what to do.
    pub error: Option<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When something last became of it.
    pub updated_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl LargeImport {
    /// One whose file is to be uploaded.
    pub fn new(id: Uuid, topic: String, order: &FileOrder, now: Timestamp) -> Self {
        Self {
            id,
            topic,
            format: order.format,
            columns: order.columns.clone(),
            dates: order.dates,
            status: ImportStatus::Uploading,
            bytes: order.bytes,
            bytes_read: 0,
            added: 0,
            updated: 0,
            duplicates: 0,
            rejected: Vec::new(),
            rejected_total: 0,
            notes: Vec::new(),
            error: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
        }
    }

    /// What was said of the file.
    pub fn options(&self) -> ImportOptions {
        // They were checked when the import was started.
        let columns = Choices::parse(self.columns.as_deref().unwrap_or_default()).unwrap_or_default();
        ImportOptions { format: self.format, columns, dates: self.dates }
    }

    /// Counts a line that was not taken.
    pub fn reject(&mut self, rejected: Rejected) {
        self.rejected_total += 1;
        if self.rejected.len() < REJECTED_SHOWN {
            self.rejected.push(rejected);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(bytes: u64) -> FileOrder {
        FileOrder { format: Some(ImportFormat::Csv), bytes, columns: None, dates: None }
    }

    #[test]
    fn a_file_has_one_byte_to_two_hundred_megabytes() {
        assert!(order(1).checked().is_ok() && order(BYTES_MAX).checked().is_ok());
        for bytes in [0, BYTES_MAX + 1] {
            assert_eq!(order(bytes).checked().unwrap_err()[0].pointer, "/bytes");
        }
    }

    #[test]
    fn what_is_said_of_columns_is_checked_at_the_start() {
        let said = |columns: &str| FileOrder { columns: Some(columns.to_owned()), ..order(1) };
        assert!(said("Headline:title,Foo:-").checked().is_ok());
        for wrong in ["Headline", "Headline:headline", &"x:title,".repeat(2_000)] {
            assert_eq!(said(wrong).checked().unwrap_err()[0].pointer, "/columns", "{wrong}");
        }
    }

    #[test]
    fn only_the_first_hundred_rejections_are_kept_and_all_are_counted() {
        let mut import = LargeImport::new(Uuid::nil(), "T".into(), &order(1), Timestamp::from_millis(0));
        for line in 1..=250 {
            import.reject(Rejected { line, detail: "It is wrong.".into() });
        }
        assert_eq!((import.rejected.len(), import.rejected_total), (100, 250));
        assert_eq!(import.rejected[99].line, 100);
    }

    #[test]
    fn an_import_from_before_there_were_notes_is_read() {
        let import = LargeImport::new(Uuid::nil(), "T".into(), &order(1), Timestamp::from_millis(0));
        let mut kept = serde_json::to_value(&import).unwrap();
        for field in ["columns", "dates", "notes"] {
            kept.as_object_mut().unwrap().remove(field);
        }
        assert_eq!(serde_json::from_value::<LargeImport>(kept).unwrap(), import);
    }
}
