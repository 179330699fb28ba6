//! Brings the embeddings that this crate is built over: two files of the PyPI
//! package `wordllama` (MIT). pip takes it by its hash. The files are data, the
//! same in the package of every platform, so one package serves all targets.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const FILES: [&str; 2] = [
    "wordllama/weights/l2_supercat_256.safetensors",
    "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=wordllama.txt");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let folder = out.join("package");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let download = "-m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --only-binary :all: --platform manylinux2014_x86_64 --implementation cp --python-version 3.11 \
        --abi cp311 --requirement wordllama.txt --dest";
    python(download, &[&folder])?;
    let wheel = fs::read_dir(&folder)?.next().ok_or("pip brought nothing")??.path();
    python("-m zipfile --extract", &[&wheel, &folder])?;
    for file in FILES {
        let name = Path::new(file).file_name().ok_or("a file without a name")?;
        fs::rename(folder.join(file), out.join(name))?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn python(arguments: &str, paths: &[&Path]) -> Result<(), Box<dyn Error>> {
    let done = Command::new("python3").args(arguments.split_whitespace()).args(paths).output().map_err(|error| {
        format!("Python 3 with pip is needed to build: they bring the embeddings. python3 can't be started: {error}")
    })?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(format!("Python 3 with pip is needed to build: they bring the embeddings. It failed:\n{said}").into())
}
