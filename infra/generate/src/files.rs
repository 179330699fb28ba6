//! Files that are written, or compared with what would be written.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, anyhow};

/// The files of one run.
pub struct Files {
    checks: bool,
    /// What is to be, by path: a block is a part of a file that another may change, too.
    texts: BTreeMap<String, String>,
    differences: Vec<String>,
}

impl Files {
    /// None yet. With `checks`, nothing will be written.
    pub fn new(checks: bool) -> Self {
        Self { checks, texts: BTreeMap::new(), differences: Vec::new() }
    }

    /// What the file `path` has, with what is to be written there.
    pub fn read(&self, path: &str) -> anyhow::Result<String> {
        match self.texts.get(path) {
            Some(text) => Ok(text.clone()),
            None => std::fs::read_to_string(path)
                .with_context(|| format!("{path}: is this run in the repository's root?")),
        }
    }

    /// A whole file.
    pub fn file(&mut self, path: &str, text: String) -> anyhow::Result<()> {
        let before = std::fs::read_to_string(path).unwrap_or_default();
        if text != before {
            self.differences.push(difference(path, &before, &text));
            if !self.checks {
                std::fs::write(path, &text).with_context(|| path.to_owned())?;
            }
        }
        self.texts.insert(path.to_owned(), text);
        Ok(())
    }

    /// All files of a folder, by their names: others go.
    pub fn folder(&mut self, folder: &str, files: BTreeMap<String, String>) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| folder.to_owned())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !files.contains_key(&name) {
                let path = Path::new(folder).join(&name);
                self.differences.push(format!("{}: nothing declares it", path.display()));
                if !self.checks {
                    std::fs::remove_file(path)?;
                }
            }
        }
        files.into_iter().try_for_each(|(name, text)| self.file(&format!("{folder}/{name}"), text))
    }

    /// The lines of a file between `# <name>: written by make routes` and `# end of <name>`.
    pub fn block(&mut self, path: &str, name: &str, lines: &str) -> anyhow::Result<()> {
        let text = self.read(path)?;
        let (begin, end) = (format!("# {name}: written by `make routes`\n"), format!("# end of {name}\n"));
        let missing = |mark: &str| anyhow!("{path} has no line \"{}\"", mark.trim_end());
        let (before, rest) = text.split_once(&begin).ok_or_else(|| missing(&begin))?;
        let (old, after) = rest.split_once(&end).ok_or_else(|| missing(&end))?;
        // The mark at the end is indented as the one at the beginning.
        let indent = before.rsplit('\n').next().unwrap_or_default();
        let new = format!("{lines}{indent}");
        if new != old {
            self.file(path, format!("{before}{begin}{new}{end}{after}"))?;
        }
        Ok(())
    }

    /// Tells what was written; of a check, what differs, which fails.
    pub fn report(self) -> anyhow::Result<ExitCode> {
        let mut out = std::io::stdout();
        for difference in &self.differences {
            writeln!(out, "{difference}")?;
        }
        let outcome = match (self.checks, self.differences.len()) {
            (true, 0) => "All that is derived from routes, jobs and tables is as they say.",
            (true, _) => "These are not what routes, jobs and tables say: run `make routes`.",
            (false, 0) => "Nothing to write: all is as routes, jobs and tables say.",
            (false, _) => "Written.",
        };
        writeln!(out, "{outcome}")?;
        let fails = self.checks && !self.differences.is_empty();
        Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Where two texts part: the first line that differs, before and after.
fn difference(path: &str, before: &str, after: &str) -> String {
    let (mut old, mut new) = (before.lines(), after.lines());
    let mut number = 0;
    loop {
        number += 1;
        match (old.next(), new.next()) {
            (was, is) if was == is && was.is_some() => {}
            (was, is) => {
                let (was, is) = (was.unwrap_or("(the end)"), is.unwrap_or("(the end)"));
                return format!("{path}:{number}\n  - {was}\n  + {is}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("generate-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn path(&self, name: &str) -> String {
            self.0.join(name).to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_block_is_written_between_its_marks_and_the_rest_stays_a_persons() {
        let folder = Folder::new("block");
        let path = folder.path("template.yaml");
        let around = "a: 1\n  # t: written by `make routes`\n  b: 2\n  # end of t\n# ours\n";
        std::fs::write(&path, around).unwrap();
        let mut files = Files::new(false);
        files.block(&path, "t", "  b: 3\n  c: 4\n").unwrap();
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, around.replace("  b: 2\n", "  b: 3\n  c: 4\n"));
        assert!(files.block(&path, "other", "").is_err());
    }

    #[test]
    fn a_check_writes_nothing_and_names_the_first_line_that_differs() {
        let folder = Folder::new("check");
        for name in ["kept", "old"] {
            std::fs::write(folder.path(name), "one\ntwo\n").unwrap();
        }
        let declared = || BTreeMap::from([("kept".to_owned(), "one\nthree\n".to_owned())]);
        let mut files = Files::new(true);
        files.folder(folder.0.to_str().unwrap(), declared()).unwrap();
        assert_eq!(
            files.differences,
            [
                format!("{}: nothing declares it", folder.path("old")),
                format!("{}:2\n  - two\n  + three", folder.path("kept")),
            ]
        );
        assert_eq!(std::fs::read_to_string(folder.path("kept")).unwrap(), "one\ntwo\n");
        assert!(std::fs::exists(folder.path("old")).unwrap());

        let mut files = Files::new(false);
        files.folder(folder.0.to_str().unwrap(), declared()).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path("kept")).unwrap(), "one\nthree\n");
        assert!(!std::fs::exists(folder.path("old")).unwrap());
    }
}
