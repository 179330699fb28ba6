//! The inputs that are kept, each taken once: those that the fuzzer found worth
//! keeping, and those that broke something.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

macro_rules! targets {
    ($($name:ident)*) => {
        const TARGETS: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            take_kept(stringify!($name), fuzz::$name::take);
        })*
    };
}

targets! { address citations cleaning cursor feed import long model_answer sse time_phrase token }

fn take_kept(name: &str, take: fn(&[u8])) {
    let mut taken = 0;
    for folder in [folder("corpus").join(name), folder("regressions").join(name)] {
        for input in if folder.exists() { names(&folder) } else { BTreeSet::new() } {
            let path = folder.join(input);
            // When the rule is broken, this is the last that is shown.
            println!("{}", path.display());
            take(&fs::read(path).unwrap());
            taken += 1;
        }
    }
    assert!(taken >= 5, "{name} has {taken} inputs");
}

#[test]
fn each_target_is_a_binary_with_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|&name| name.to_owned()).collect();
    let binaries = names(&folder("fuzz_targets"));
    assert_eq!(binaries, targets.iter().map(|name| format!("{name}.rs")).collect());
    assert_eq!(names(&folder("corpus")), targets);
    assert!(names(&folder("regressions")).is_subset(&targets));
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
