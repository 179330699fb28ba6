//! What keeps this machine's disk from taking or giving what the workshop keeps, in words that help: nobody else is
//! there to look into a log.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no room.
    Full,
    /// Nothing may be written.
    ReadOnly,
    /// The database can't be read.
    Damaged,
    /// The disk itself fails.
    Failing,
}

impl Kind {
    /// The kind that an error of SQLite or of the system tells of, by its words (sqlite3_errstr, strerror(3)).
    pub fn of(error: &str) -> Option<Self> {
        const WORDS: [(&str, Kind); 8] = [
            ("disk is full", Kind::Full),
            ("No space left", Kind::Full),
            ("readonly database", Kind::ReadOnly),
            ("Read-only file system", Kind::ReadOnly),
            ("disk image is malformed", Kind::Damaged),
            ("file is not a database", Kind::Damaged),
            ("malformed database schema", Kind::Damaged),
            ("disk I/O error", Kind::Failing),
        ];
        WORDS.into_iter().find(|(words, _)| error.contains(words)).map(|(_, kind)| kind)
    }
}

/// The trouble that there is just now.
pub struct Trouble {
    folder: PathBuf,
    now: Mutex<Option<Kind>>,
}

impl Trouble {
    /// None yet, with the data in `folder`.
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder, now: Mutex::new(None) }
    }

    /// Notes what an error tells of. Its beginning is logged, and not each time that it is met.
    pub fn note(&self, error: &str) {
        let Some(kind) = Kind::of(error) else { return };
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != Some(kind) {
            tracing::error!("{}", self.sentence(kind));
            *now = Some(kind);
        }
    }

    /// Notes that something was written.
    pub fn is_over(&self) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What there is, what was kept and what to do; nothing without trouble.
    pub fn told(&self) -> Option<String> {
        let now = *self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.map(|kind| self.sentence(kind))
    }

    /// What there is, what was kept and what to do.
    pub fn sentence(&self, kind: Kind) -> String {
        let folder = self.folder.display();
        match kind {
            Kind::Full => format!(
                "This machine's disk is full, so this was not saved. What was saved before is safe. Make room on the \
                 disk that has {folder}, then try again."
            ),
            Kind::ReadOnly => format!(
                "This machine may not write to {folder}, so this was not saved. What was saved before is safe. Make \
                 the folder writable, then start the workshop again."
            ),
            Kind::Damaged => format!(
                "The database in {folder} is damaged. Stop the workshop and keep a copy of that folder; then take a \
                 backup back, with make restore FILE=<name>, or choose an empty folder as WORKSHOP_DATA_DIR."
            ),
            Kind::Failing => format!(
                "This machine's disk failed at reading or writing {folder}. Stop the workshop and look after the disk; \
                 what was saved before may be safe, and make backup says whether it can be read."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_is_known_by_its_words_and_is_over_with_the_next_write() {
        let trouble = Trouble::in_folder("/data".into());
        assert_eq!(trouble.told(), None);
        for (words, told) in [
            ("SqliteError(database or disk is full)", "is full"),
            ("attempt to write a readonly database", "may not write"),
            ("database disk image is malformed", "is damaged"),
            ("disk I/O error", "disk failed"),
        ] {
            trouble.note(words);
            trouble.note("some other failure");
            let sentence = trouble.told().unwrap();
            assert!(
                sentence.contains(told) && sentence.contains("/data") && sentence.ends_with('.'),
                "{sentence}"
            );
            trouble.is_over();
            assert_eq!(trouble.told(), None);
        }
    }
}
