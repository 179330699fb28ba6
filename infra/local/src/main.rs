//! `workshop`: the whole Prompt Workshop on this machine.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use local::Machine;
use local::settings::Settings;
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
    let asked = std::env::var("RUST_LOG").ok().and_then(|asked| asked.parse::<Targets>().ok());
    let filter = asked.or_else(|| LOGGED.parse().ok()).unwrap_or_default();
    let format = fmt::layer().compact().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(filter).with(format).init();
    let run = || -> anyhow::Result<()> {
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

/// Runs until Ctrl-C or SIGTERM.
async fn run(settings: Settings) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
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
