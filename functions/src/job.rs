//! What a job declares: one `JOB` beside each `handle` that HTTP doesn't call.
//! Its function in infra/template.yaml and what the local machine does in
//! Lambda's place are derived from it.

use futures::future::BoxFuture;
use lambda_http::Error;
use serde_json::Value;
use shared::app::App;

use crate::may::{Lambda, May, Queue};

/// One job.
#[derive(Clone, Copy)]
pub struct Job {
    /// The binary that does it, which is its name everywhere else, too.
    pub binary: &'static str,
    /// What calls it, and what it does, in a line.
    pub summary: &'static str,
    /// What calls it.
    pub trigger: Trigger,
    /// Does it: takes the event as Lambda gives it, and returns what Lambda
    /// reads of the answer.
    pub handle: Handle,
    /// What of AWS it may do. The linker proves it: tests/deploy/template.py.
    pub may: &'static [May],
    /// What its function has that others don't.
    pub lambda: Lambda,
}

/// A job's `handle`, with its event and its answer as JSON.
pub type Handle = for<'a> fn(&'a App, Value) -> BoxFuture<'a, Result<Value, Error>>;

/// What calls a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Messages of a queue: up to `batch` at a time, `at_once` calls at the same time.
    Messages {
        /// The queue.
        queue: Queue,
        /// Messages of one event.
        batch: u32,
        /// Calls at the same time.
        at_once: AtOnce,
    },
    /// Removals of drafts, by the drafts table's stream: up to so many records at a time.
    RemovedDrafts {
        /// Records of one event.
        batch: u32,
    },
    /// A schedule.
    Every {
        /// Minutes from one call to the next.
        minutes: u32,
    },
    /// The deploy script: after each deployment, or when a person asks it to.
    Script,
}

/// How many calls there are at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtOnce {
    /// As many as this parameter of the template says.
    Parameter(&'static str),
    /// As few as Lambda lets one choose: 2.
    Few,
}

impl Job {
    /// A job that may do nothing, until told otherwise.
    pub const fn new(binary: &'static str, trigger: Trigger, handle: Handle) -> Self {
        Self { binary, summary: "", trigger, handle, may: &[], lambda: Lambda::USUAL }
    }

    /// What calls it, and what it does, in a line.
    pub const fn says(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// What of AWS it may do.
    pub const fn may(self, may: &'static [May]) -> Self {
        Self { may, ..self }
    }

    /// What its function has that others don't.
    pub const fn lambda(self, lambda: Lambda) -> Self {
        Self { lambda, ..self }
    }

    /// Seconds after which Lambda ends it.
    pub const fn timeout(&self) -> u32 {
        match self.lambda.timeout {
            Some(seconds) => seconds,
            None => Lambda::TIMEOUT,
        }
    }
}

/// A job and where its code is.
#[derive(Clone, Copy)]
pub struct Placed {
    /// The module that has its `handle`, such as `functions::jobs::install`.
    pub module: &'static str,
    /// The job.
    pub job: &'static Job,
}

/// The `handle` of the module this stands in, with its event and its answer as JSON.
macro_rules! event {
    ($handle:ident) => {
        |app, event| {
            Box::pin(
                async move { Ok(serde_json::to_value($handle(app, serde_json::from_value(event)?).await?)?) },
            )
        }
    };
}

/// The jobs: one module each, which has a `JOB`.
macro_rules! jobs {
    ($($job:ident),* $(,)?) => {
        $(pub mod $job;)*

        /// All jobs.
        pub const JOBS: &[$crate::job::Placed] = &[
            $($crate::job::Placed {
                module: concat!(module_path!(), "::", stringify!($job)),
                job: &$job::JOB,
            },)*
        ];
    };
}

pub(crate) use {event, jobs};
