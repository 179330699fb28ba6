//! How long each part of a call to a model may take.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::error::{ModelError, Part};

/// How long each part of a call may take. (Opening a connection: 5 seconds.)
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// From the start of a try to the first bytes of its answer. A server that
    /// doesn't stream has to send its whole answer within this.
    pub first_token: Duration,
    /// Between two arrivals before the first token, comments included: a server
    /// that has begun to answer is alive, and its model may think for minutes.
    pub thinking: Duration,
    /// Between two arrivals after the first token.
    pub silence: Duration,
    /// The whole call, with all tries and the pauses between them; up to a day.
    pub total: Duration,
}

impl Deadlines {
    /// The usual deadlines (60 s to the first bytes, 180 s to think, 30 s of silence) within `total`.
    pub fn within(total: Duration) -> Self {
        Self {
            first_token: Duration::from_secs(60),
            thinking: Duration::from_secs(180),
            silence: Duration::from_secs(30),
            total,
        }
    }
}

/// The instant `wait` after `start`, held to a day so that no sum can overflow.
pub(super) fn after(start: Instant, wait: Duration) -> Instant {
    start + wait.min(Duration::from_secs(24 * 60 * 60))
}

/// The deadlines of one try, as instants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    deadlines: Deadlines,
    total: Instant,
    first_token: Instant,
    /// The last arrival before the first token.
    began: Option<Instant>,
    /// The last arrival, from the first token on.
    heard: Option<Instant>,
}

impl Clock {
    pub(super) fn start(deadlines: Deadlines, total: Instant) -> Self {
        let first_token = after(Instant::now(), deadlines.first_token);
        Self { deadlines, total, first_token, began: None, heard: None }
    }

    /// Notes that bytes have arrived.
    pub(super) fn arrived(&mut self) {
        let last = if self.heard.is_some() { &mut self.heard } else { &mut self.began };
        *last = Some(Instant::now());
    }

    /// Notes that the model has begun to answer.
    pub(super) fn answered(&mut self) {
        self.heard.get_or_insert_with(Instant::now);
    }

    /// Whether the model has begun to answer.
    pub(super) fn has_heard(&self) -> bool {
        self.heard.is_some()
    }

    /// Waits for `arrival` until the deadline that comes first.
    pub(super) async fn wait<F: Future>(&self, arrival: F) -> Result<F::Output, ModelError> {
        let Deadlines { first_token, thinking, silence, total } = self.deadlines;
        let next = match (self.heard, self.began) {
            (Some(heard), _) => (after(heard, silence), Part::Silence, silence),
            (None, Some(began)) => (after(began, thinking), Part::FirstToken, thinking),
            (None, None) => (self.first_token, Part::FirstToken, first_token),
        };
        let (due, part, limit) = if self.total <= next.0 { (self.total, Part::Total, total) } else { next };
        let too_slow = ModelError::TooSlow { part, limit };
        // `timeout_at` lets what is ready pass, however late: right for a reader
        // who took a pause (Silence), endless with a server that never does.
        if part != Part::Silence && Instant::now() >= due {
            return Err(too_slow);
        }
        timeout_at(due, arrival).await.map_err(|_| too_slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn what_is_ready_passes_late_for_a_reader_who_paused_but_never_past_the_total() {
        let ready = || std::future::ready(());
        let mut clock = Clock::start(Deadlines::within(Duration::MAX), after(Instant::now(), Duration::MAX));
        assert_eq!(clock.wait(ready()).await, Ok(()));

        clock.deadlines.silence = Duration::ZERO;
        clock.heard = Some(Instant::now());
        assert_eq!(clock.wait(ready()).await, Ok(()));

        clock.deadlines.silence = SOME;
        clock.total = Instant::now();
        assert!(matches!(clock.wait(ready()).await, Err(ModelError::TooSlow { part: Part::Total, .. })));
        clock = Clock { heard: None, first_token: Instant::now(), total: clock.total + SOME, ..clock };
        assert!(matches!(clock.wait(ready()).await, Err(ModelError::TooSlow { part: Part::FirstToken, .. })));
    }

    #[tokio::test]
    async fn bytes_give_a_model_time_to_think_and_its_first_token_ends_that() {
        let mut clock = Clock::start(Deadlines::within(Duration::MAX), after(Instant::now(), Duration::MAX));
        clock.first_token = Instant::now();
        clock.arrived();
        assert_eq!(clock.wait(std::future::ready(())).await, Ok(()));
        clock.deadlines.thinking = Duration::ZERO;
        assert!(matches!(
            clock.wait(std::future::ready(())).await,
            Err(ModelError::TooSlow { part: Part::FirstToken, limit: Duration::ZERO })
        ));
        clock.answered();
        assert_eq!(clock.wait(std::future::ready(())).await, Ok(()));
    }
}
