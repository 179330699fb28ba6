//! A copy of all that the workshop keeps, in one file, and its way back.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rusqlite::{Connection, OpenFlags};

use crate::machine::{DATABASE, lock};

/// Writes all that `data_dir` keeps into `file`, also while a workshop uses it; how many bytes.
///
/// # Errors
/// When there is nothing to copy, the file is there already, or it can't be written whole: then there is none.
pub fn backup(data_dir: &Path, file: &Path) -> anyhow::Result<u64> {
    let database = data_dir.join(DATABASE);
    if !database.exists() {
        bail!(
            "There is nothing to back up: {} isn't there. WORKSHOP_DATA_DIR names another folder.",
            database.display()
        );
    }
    if file.exists() {
        bail!("{} is there already, and a backup overwrites nothing. Name another file.", file.display());
    }
    let path = file.to_str().context("The file's path is not UTF-8.")?;
    let source = Connection::open_with_flags(&database, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    source.busy_timeout(std::time::Duration::from_secs(30))?;
    // It has everybody's conversations: for its owner's eyes.
    File::options().write(true).create_new(true).mode(0o600).open(file)?;
    // As one moment has it, whatever is written meanwhile.
    if let Err(error) = source.execute("VACUUM INTO ?1", [path]) {
        let _ = std::fs::remove_file(file);
        return Err(error)
            .with_context(|| format!("{} can't be written, and nothing was left of it", file.display()));
    }
    File::open(file)?.sync_all()?;
    Ok(file.metadata()?.len())
}

/// Puts a backup in the place of what `data_dir` keeps, which is put aside; where it is then, if there was any.
///
/// # Errors
/// When a workshop uses the folder or the file is no whole backup: then nothing was changed.
pub fn restore(data_dir: &Path, file: &Path, moment: &str) -> anyhow::Result<Option<PathBuf>> {
    if !file.exists() {
        bail!("There is no file {}. Nothing was changed.", file.display());
    }
    check(file)
        .with_context(|| format!("{} is no backup of a workshop. Nothing was changed", file.display()))?;
    std::fs::create_dir_all(data_dir)?;
    let _lock = lock(data_dir)?;
    let database = data_dir.join(DATABASE);
    let beside = data_dir.join(format!("{DATABASE}.restored"));
    std::fs::copy(file, &beside).context("The backup can't be copied. Nothing was changed")?;
    File::open(&beside)?.sync_all()?;

    let aside = data_dir.join(format!("before-restore-{moment}.sqlite"));
    let had_one = database.exists();
    if had_one {
        if aside.exists() {
            bail!("{} is there already. Nothing was changed; try again.", aside.display());
        }
        // Its log may hold the newest writes: they go into the file first.
        let opened = Connection::open(&database)?;
        opened.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        drop(opened);
        std::fs::rename(&database, &aside)?;
    }
    for of_another in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(data_dir.join(format!("{DATABASE}{of_another}")));
    }
    std::fs::rename(&beside, &database)?;
    Ok(had_one.then_some(aside))
}

/// Whether a file is a whole database of the engine.
fn check(file: &Path) -> anyhow::Result<()> {
    let opened = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let tables: u32 = opened.query_row("SELECT count(*) FROM _tables", [], |row| row.get(0))?;
    let outcome: String = opened.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if tables == 0 || outcome != "ok" {
        bail!("It is damaged or empty");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use dynoxide::Database;
    use serde_json::json;

    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("workshop-backup-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn open(folder: &Path) -> Database {
        Database::new(folder.join(DATABASE).to_str().unwrap()).unwrap()
    }

    fn put(database: &Database, id: &str) {
        let input = json!({"TableName": "things", "Item": {"pk": {"S": id}}});
        database.put_item(serde_json::from_value(input).unwrap()).unwrap();
    }

    fn has(database: &Database, id: &str) -> bool {
        let input = json!({"TableName": "things", "Key": {"pk": {"S": id}}});
        database.get_item(serde_json::from_value(input).unwrap()).unwrap().item.is_some()
    }

    #[test]
    fn a_backup_of_a_workshop_that_runs_comes_back_and_what_was_there_is_put_aside() {
        let folder = folder("whole");
        let file = folder.join("kept.sqlite");
        let database = open(&folder);
        let table = json!({"TableName": "things", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]});
        database.create_table(serde_json::from_value(table).unwrap()).unwrap();
        put(&database, "before");
        assert!(backup(&folder, &file).unwrap() > 0);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        put(&database, "after");
        assert!(backup(&folder, &file).unwrap_err().to_string().contains("is there already"));
        drop(database);

        let aside = restore(&folder, &file, "1").unwrap().unwrap();
        let restored = open(&folder);
        assert!(has(&restored, "before") && !has(&restored, "after"));
        drop(restored);
        let earlier = Database::new(aside.to_str().unwrap()).unwrap();
        assert!(has(&earlier, "after"));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_no_backup_changes_nothing_and_nor_does_a_folder_in_use() {
        let folder = folder("none");
        assert!(
            backup(&folder, &folder.join("kept")).unwrap_err().to_string().contains("nothing to back up")
        );
        let database = open(&folder);
        let kept = folder.join("kept.sqlite");
        backup(&folder, &kept).unwrap();
        for (name, bytes) in [("text", &b"no database"[..]), ("empty", b"")] {
            let file = folder.join(name);
            std::fs::write(&file, bytes).unwrap();
            let error = restore(&folder, &file, "1").unwrap_err().to_string();
            assert!(error.contains("is no backup of a workshop. Nothing was changed"), "{error}");
        }
        // Cut off.
        let bytes = std::fs::read(&kept).unwrap();
        std::fs::write(folder.join("half"), &bytes[..bytes.len() / 2]).unwrap();
        assert!(restore(&folder, &folder.join("half"), "1").is_err());
        drop(database);
        let held = lock(&folder).unwrap();
        assert!(restore(&folder, &kept, "1").is_err());
        drop(held);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
