//! `workshop`: the whole Prompt Workshop on this machine.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use local::settings::{Instead, Settings};
use local::{Machine, backup, restore};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The embedded engines warn of every condition that fails, which is how this
/// product works.
const LOGGED: &str = "warn,dynoxide=error,rustack_sqs_core=error,rustack_sqs_http=error";

fn main() -> ExitCode {
    let settings = Settings::parse();
    // RUST_LOG adds to the default, and overrides what both name: `warn` alone leaves the engines silent.
    // (Of nothing after a comma, the parser would make a level of its own.)
    let asked = std::env::var("RUST_LOG").ok().filter(|asked| !asked.trim().is_empty());
    let asked = asked.and_then(|asked| format!("{LOGGED},{asked}").parse::<Targets>().ok());
    let filter = asked.or_else(|| LOGGED.parse().ok()).unwrap_or_default();
    let format = fmt::layer().compact().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(format).init();
    let run = || -> anyhow::Result<()> {
        if let Some(instead) = &settings.instead {
            return copy(&settings.data_dir, instead);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(run(settings));
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
        result
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Makes a backup, or takes one back.
fn copy(data_dir: &Path, instead: &Instead) -> anyhow::Result<()> {
    let told = match instead {
        Instead::Backup { file } => {
            let bytes = backup(data_dir, file)?;
            format!("All that {} keeps is in {} ({bytes} bytes).", data_dir.display(), file.display())
        }
        Instead::Restore { file } => {
            let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            let aside = restore(data_dir, file, &seconds.to_string())?;
            let aside = aside.map(|aside| format!(" What was there is in {} now.", aside.display()));
            format!("{} is as {} has it.{}", data_dir.display(), file.display(), aside.unwrap_or_default())
        }
    };
    Ok(writeln!(std::io::stdout(), "{told}")?)
}

/// Runs until Ctrl-C or SIGTERM.
async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for surprise in settings.surprises(variables) {
        let _ = writeln!(std::io::stderr(), "{surprise}");
    }
    let (options, model) = settings.options().await?;
    let (user, data_dir) = (
        options.user.clone().unwrap_or_else(|| "nobody without a token".to_owned()),
        options.data_dir.display().to_string(),
    );
    let machine = Machine::start(options).await?;
    // Whoever started this may have gone away; that is no reason to stop.
    let _ = writeln!(
        std::io::stdout(),
        "Prompt Workshop is at {}\n  you are    {user}\n  model      {model}\n  data       {data_dir}\n  \
         DynamoDB   {}\nCtrl-C ends it.",
        machine.url(),
        machine.dynamodb_url(),
    );
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminated.recv() => {}
    }
    let _ = writeln!(std::io::stdout(), "\nStopping. Everything is saved.");
    machine.stop().await;
    Ok(())
}
