//! Imports of files that are too large for one request: uploaded first, then
//! read by a worker, in the background.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::import::{ImportFormat, Rejected};
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
    /// How the articles are written down.
    pub format: ImportFormat,
    /// The file's size in bytes, at most 200,000,000.
    #[schemars(range(min = 1, max = 200_000_000))]
    pub bytes: u64,
}

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
    /// How they are written down.
    pub format: ImportFormat,
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
            status: ImportStatus::Uploading,
            bytes: order.bytes,
            bytes_read: 0,
            added: 0,
            updated: 0,
            duplicates: 0,
            rejected: Vec::new(),
            rejected_total: 0,
            error: None,
            created_at: now,
            updated_at: now,
            finished_at: None,
        }
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

    #[test]
    fn a_file_has_one_byte_to_two_hundred_megabytes() {
        let order = |bytes| FileOrder { format: ImportFormat::Csv, bytes }.checked();
        assert!(order(1).is_ok() && order(BYTES_MAX).is_ok());
        for bytes in [0, BYTES_MAX + 1] {
            assert_eq!(order(bytes).unwrap_err()[0].pointer, "/bytes");
        }
    }

    #[test]
    fn only_the_first_hundred_rejections_are_kept_and_all_are_counted() {
        let order = FileOrder { format: ImportFormat::Csv, bytes: 1 };
        let mut import = LargeImport::new(Uuid::nil(), "T".into(), &order, Timestamp::from_millis(0));
        for line in 1..=250 {
            import.reject(Rejected { line, detail: "It is wrong.".into() });
        }
        assert_eq!((import.rejected.len(), import.rejected_total), (100, 250));
        assert_eq!(import.rejected[99].line, 100);
    }
}
