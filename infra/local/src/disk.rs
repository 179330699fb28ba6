//! The file that the embedded DynamoDB keeps everything in: what is deleted leaves it, and its space comes back.
//!
//! The engine never removes a record of a table's stream, with the whole item of before in it, and never gives a page
//! back. Here is a connection of our own to its file that does. (That deleted bytes are overwritten is how SQLite is
//! built: .cargo/config.toml.)

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, params};

/// How long a write of the engine is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Pages, of 4 KB, that are given back in one transaction: others wait for it.
const PAGES: u32 = 1_000;

/// A connection to the file.
pub struct Disk(Mutex<Connection>);

impl Disk {
    /// Makes the file, or one of an earlier version, so that its space can come back. Before the engine opens it.
    pub fn prepare(file: &Path) -> rusqlite::Result<()> {
        let connection = Connection::open(file)?;
        let comes_back: u32 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
        if comes_back == 2 {
            return Ok(());
        }
        // Of a file with tables in it, only VACUUM changes that; it overwrites what was deleted, too.
        connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; VACUUM;")
    }

    /// Opens the file beside the engine.
    pub fn open(file: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.busy_timeout(PATIENCE)?;
        // At each write the engine looks for the newest record of the table's stream among all there are.
        connection.execute_batch(
            "CREATE INDEX IF NOT EXISTS stream_records_in_order \
             ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
        )?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Removes the records of a table's stream up to the one with this id. That one stays, with nothing in it: the
    /// engine numbers the next one after it.
    ///
    /// # Errors
    /// When there is no such record, too.
    pub fn forget(&self, table: &str, event_id: &str) -> rusqlite::Result<()> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction()?;
        let handled: i64 = transaction.query_row(
            "SELECT CAST(sequence_number AS INTEGER) FROM _stream_records WHERE table_name = ?1 AND event_id = ?2",
            params![table, event_id],
            |row| row.get(0),
        )?;
        transaction.execute(
            "DELETE FROM _stream_records WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) < ?2",
            params![table, handled],
        )?;
        transaction.execute(
            "UPDATE _stream_records SET keys_json = '{}', old_image = NULL, new_image = NULL \
             WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) = ?2",
            params![table, handled],
        )?;
        transaction.commit()
    }

    /// Gives free pages back and empties the log of what was written, in which deleted bytes stand as well. False when
    /// the log couldn't be emptied, since somebody reads just now.
    pub fn tidy(&self) -> rusqlite::Result<bool> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let free = || connection.pragma_query_value(None, "freelist_count", |row| row.get::<_, u32>(0));
        let mut left = free()?;
        while left > 0 {
            connection.execute_batch(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            let now = free()?;
            if now >= left {
                break;
            }
            left = now;
        }
        let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(!is_busy)
    }
}

#[cfg(test)]
mod tests {
    use dynoxide::Database;

    use super::*;

    fn records(file: &Path, sql: &str) -> Vec<(i64, Option<String>)> {
        let connection = Connection::open(file).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }

    const ALL: &str = "SELECT CAST(sequence_number AS INTEGER) n, old_image FROM _stream_records WHERE table_name = 'drafts' ORDER BY n";

    fn fill(file: &Path, count: u32) {
        let records = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
             INSERT INTO _stream_records
                 (table_name, event_name, keys_json, old_image, sequence_number, shard_id, created_at, event_id)
             SELECT 'drafts', 'INSERT', '{{}}', printf('%.4000c', 'Z') || 'ZEBRA', i, 's', 0, 'event ' || i FROM n"
        );
        Connection::open(file).unwrap().execute_batch(&records).unwrap();
    }

    /// A folder of a test's own, which goes with it.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("workshop-disk-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn holds(&self, word: &str) -> bool {
            std::fs::read_dir(&self.0).unwrap().flatten().any(|file| {
                let bytes = std::fs::read(file.path()).unwrap();
                bytes.windows(word.len()).any(|window| window == word.as_bytes())
            })
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_was_handled_is_gone_from_the_file_and_its_space_comes_back() {
        let folder = Folder::new("forget");
        let file = folder.0.join("dynamodb.sqlite");
        Disk::prepare(&file).unwrap();
        let _engine = Database::new(file.to_str().unwrap()).unwrap();
        let disk = Disk::open(&file).unwrap();
        let before = std::fs::metadata(&file).unwrap().len();
        fill(&file, 1_000);
        assert!(folder.holds("ZEBRA"));

        disk.forget("drafts", "event 999").unwrap();
        let left = records(&file, ALL);
        assert_eq!(left.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [999, 1_000]);
        assert_eq!(left[0].1, None);
        disk.forget("drafts", "event 1000").unwrap();
        assert!(disk.forget("drafts", "another").is_err());
        assert!(disk.tidy().unwrap());
        assert!(!folder.holds("ZEBRA"));
        let after = std::fs::metadata(&file).unwrap().len();
        assert!(after <= before + 64 * 1_024, "{before} bytes, then {after}");
    }

    #[test]
    fn a_file_of_an_earlier_version_is_made_so_that_space_comes_back_and_keeps_its_items() {
        let folder = Folder::new("prepare");
        let file = folder.0.join("dynamodb.sqlite");
        drop(Database::new(file.to_str().unwrap()).unwrap());
        fill(&file, 100);
        for _ in 0..2 {
            Disk::prepare(&file).unwrap();
        }
        let engine = Database::new(file.to_str().unwrap()).unwrap();
        drop(engine);
        assert_eq!(records(&file, ALL).len(), 100);
        let connection = Connection::open(&file).unwrap();
        assert_eq!(connection.pragma_query_value(None, "auto_vacuum", |row| row.get::<_, u32>(0)), Ok(2));
    }

    #[test]
    fn the_newest_record_of_a_stream_is_found_by_an_index() {
        let folder = Folder::new("index");
        let file = folder.0.join("dynamodb.sqlite");
        let _engine = Database::new(file.to_str().unwrap()).unwrap();
        // At each start, so more than once.
        for _ in 0..2 {
            Disk::open(&file).unwrap();
        }
        fill(&file, 1_000);
        let connection = Connection::open(&file).unwrap();
        // As the engine asks.
        let mut newest = connection
            .prepare(
                "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
                 WHERE table_name = ?1",
            )
            .unwrap();
        let next: i64 = newest.query_row(["drafts"], |row| row.get(0)).unwrap();
        let steps = newest.get_status(rusqlite::StatementStatus::VmStep);
        assert_eq!(next, 1_001);
        assert!(steps < 100, "{steps} steps for 1,000 records");
    }
}
