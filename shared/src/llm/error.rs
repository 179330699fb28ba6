//! Why a model did not answer, in words for people and for logs.

use std::time::Duration;

use super::answer::Finish;
use super::refusal::Cause;
use crate::domain::ending::Ending;
use crate::domain::model::Model;

/// The part of a call that took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// No token came.
    FirstToken,
    /// Tokens stopped coming.
    Silence,
    /// The whole was not finished.
    Total,
}

/// Why a model did not answer, or not to the end. `Display` is for logs and has
/// nothing in it that a user or a server wrote; [`Self::sentence`] is for people.
#[derive(thiserror::Error, Clone, Debug, PartialEq, Eq)]
pub enum ModelError {
    /// No connection: refused, unknown host, TLS, or no answer to connecting.
    /// Has the chain of causes, without the address.
    #[error("the model's server cannot be reached: {0}")]
    Unreachable(String),
    /// One of the [`Deadlines`] passed.
    #[error("the model was too slow: {part:?} passed {limit:?}")]
    TooSlow {
        /// What took too long.
        part: Part,
        /// How long it could have taken.
        limit: Duration,
    },
    /// The connection ended before the answer did.
    #[error("the model's answer was cut off")]
    CutOff,
    /// Too many requests (429).
    #[error("the model's server limits the rate of requests (retry after {retry_after:?})")]
    RateLimited {
        /// When the server asks to be tried again, from now.
        retry_after: Option<Duration>,
    },
    /// The key is not accepted, or its account may not use the model (401, 403).
    #[error("the model's server refuses the key ({0})")]
    Refused(Cause),
    /// The account has no credit left (402).
    #[error("the model's account has no credit ({0})")]
    NoCredit(Cause),
    /// Its key can't be read from where the workshop keeps it.
    #[error("the model's key can't be read")]
    NoKey,
    /// The server has no such model (404).
    #[error("the model's server does not know the model")]
    UnknownModel,
    /// The request is longer than the model's window (or the server takes: 413).
    #[error("the request is longer than the model's context window")]
    TooLong,
    /// The server is overloaded or broken (408 and 5xx).
    #[error("the model's server failed with status {status}")]
    Overloaded {
        /// The HTTP status, or the one that an error within a stream stands for.
        status: u16,
        /// When the server asks to be tried again, from now.
        retry_after: Option<Duration>,
    },
    /// The answer came to its end and has no word in it.
    #[error("the model wrote nothing")]
    Empty,
    /// It reached the longest answer while it still thought, and has no word in it.
    #[error("the model thought until its answer's limit")]
    ThoughtOnly {
        /// The longest answer, in tokens.
        max_tokens: u32,
    },
    /// The model did not want to. Has its own words, which no log gets.
    #[error("the model declined")]
    Declined(String),
    /// A filter of the provider stopped the question or the answer.
    #[error("a filter of the model's provider stopped it")]
    Filtered,
    /// It was offered tools and takes none.
    #[error("the model takes no tools ({0})")]
    NoTools(Cause),
    /// The server's answer is not one that this protocol has.
    #[error("the model's server answered nonsense: {0}")]
    Nonsense(&'static str),
    /// The address leads elsewhere (3xx), where the key must not go.
    #[error("the model's server redirects with status {status}")]
    Redirects {
        /// The HTTP status.
        status: u16,
    },
    /// Any other status but success.
    #[error("the model's server rejected the request ({0})")]
    Rejected(Cause),
}

impl Finish {
    /// How an answer that the model came to the end of has ended, and what is told of it when it isn't whole.
    pub fn told(&self, model: &Model) -> (Ending, Option<String>) {
        match self {
            Self::Stop | Self::ToolCalls => (Ending::Complete, None),
            Self::Length => (
                Ending::Length,
                Some(format!(
                    "The answer reached the {} tokens that this model may write, and ends there. What was written is \
                     kept. Raise max_output_tokens in this model's settings, or ask for a shorter answer.",
                    grouped(model.max_output_tokens)
                )),
            ),
            Self::Filter => (Ending::Filter, Some(ModelError::Filtered.sentence())),
            Self::Error => {
                (Ending::Server, Some(ModelError::Overloaded { status: 502, retry_after: None }.sentence()))
            }
            Self::Other(_) => (
                Ending::Other,
                Some(
                    "The model's server ended the answer early, for a reason that this workshop doesn't know. What \
                     was written is kept. Ask again, or choose another model."
                        .to_owned(),
                ),
            ),
        }
    }
}

impl ModelError {
    /// What happened and what to do, for the person who waits for the answer.
    pub fn sentence(&self) -> String {
        match self {
            Self::Unreachable(_) => "The model cannot be reached. What you wrote is kept. \
                Try again in a moment, or choose another model."
                .into(),
            Self::TooSlow { part: Part::FirstToken, limit } => format!(
                "The model did not begin to answer within {}. What you wrote is kept. \
                 Try again, or choose a faster model.",
                in_words(*limit)
            ),
            Self::TooSlow { part: Part::Silence, limit } => format!(
                "The model fell silent for {} in the middle of its answer. \
                 What had arrived is kept. Try again.",
                in_words(*limit)
            ),
            Self::TooSlow { part: Part::Total, limit } => format!(
                "The model did not finish within {}. What had arrived is kept. \
                 Ask for a shorter answer, or choose a faster model.",
                in_words(*limit)
            ),
            Self::CutOff => "The connection to the model broke before its answer was complete. \
                What had arrived is kept. Try again."
                .into(),
            Self::RateLimited { retry_after } => format!(
                "The model takes no more requests for now. What you wrote is kept. \
                 Try again in {}, or choose another model.",
                retry_after.map_or_else(|| "a minute".into(), in_words)
            ),
            Self::Refused(_) => "The model's provider did not accept this workshop's key for this model. \
                What you wrote is kept. Choose another model, or ask whoever runs this workshop to check \
                the key."
                .into(),
            Self::NoCredit(_) => "This workshop's account with the model's provider has no credit left. \
                What you wrote is kept. Choose another model, or ask whoever runs this workshop to add some."
                .into(),
            Self::NoKey => {
                "This workshop can't read the model's key. What you wrote is kept. Choose another \
                model, or ask whoever runs this workshop to check that the key's parameter is there."
                    .into()
            }
            Self::UnknownModel => "The model's provider does not know this model. What you wrote is kept. \
                Choose another model, or ask whoever runs this workshop to check its name and address."
                .into(),
            Self::TooLong => "This is more text than the model can read at once. What you wrote is kept. \
                Shorten it, use fewer articles, or choose a model with a larger context window."
                .into(),
            Self::Overloaded { .. } => "The model is overloaded or out of order. What had arrived is kept. \
                Try again in a few minutes, or choose another model."
                .into(),
            Self::Empty => "The model ended without writing anything. What you wrote is kept. \
                Try again, or choose another model."
                .into(),
            Self::ThoughtOnly { max_tokens } => format!(
                "The model thought through all of its {} tokens and wrote no answer. What you wrote is kept. \
                 Raise max_output_tokens in this model's settings, or choose another model.",
                grouped(*max_tokens)
            ),
            Self::Declined(words) => format!(
                "The model declined: \"{words}\" What you wrote is kept. Ask in another way, or choose \
                 another model."
            ),
            Self::Filtered => "A filter of the model's provider stopped it. What had arrived is kept. \
                Ask in another way, or choose another model."
                .into(),
            Self::NoTools(_) => {
                "This model takes no tools, and its settings say that it does. What you wrote \
                is kept. Choose another model, or ask whoever runs this workshop to take supports_tools out \
                of this model's settings."
                    .into()
            }
            Self::Nonsense(_) => "The model's server answered in a way this workshop cannot read. \
                What had arrived is kept. Choose another model, or ask whoever runs this workshop to check \
                the model's address."
                .into(),
            Self::Redirects { .. } => "The address of the model's server leads to another one, where no key \
                is sent. What you wrote is kept. Choose another model, or ask whoever runs this workshop to \
                write down the address that it leads to (https, mostly)."
                .into(),
            Self::Rejected(_) => "The model's server did not take the request. What you wrote is kept. \
                Choose another model, or ask whoever runs this workshop to check this model's settings."
                .into(),
        }
    }

    /// The same for whoever runs the workshop as well: with what the server named, or else the beginning of its words,
    /// nothing of which is the request's own.
    pub fn sentence_with_its_cause(&self) -> String {
        match self {
            Self::Refused(cause) | Self::NoCredit(cause) | Self::NoTools(cause) | Self::Rejected(cause) => {
                let words = if cause.words.is_empty() { String::new() } else { format!(": {}", cause.words) };
                format!("{} Its server said: {cause}{words}.", self.sentence())
            }
            Self::Nonsense(what) => format!("{} What is wrong with it: {what}.", self.sentence()),
            _ => self.sentence(),
        }
    }

    /// How an answer ends by it.
    pub fn ending(&self) -> Ending {
        match self {
            Self::TooSlow { .. } => Ending::Slow,
            Self::CutOff => Ending::Cut,
            Self::Empty => Ending::Empty,
            Self::ThoughtOnly { .. } => Ending::Length,
            Self::Declined(_) => Ending::Refusal,
            Self::Filtered => Ending::Filter,
            Self::NoKey => Ending::NotAsked,
            Self::Unreachable(_)
            | Self::RateLimited { .. }
            | Self::Refused(_)
            | Self::NoCredit(_)
            | Self::UnknownModel
            | Self::TooLong
            | Self::Overloaded { .. }
            | Self::NoTools(_)
            | Self::Nonsense(_)
            | Self::Redirects { .. }
            | Self::Rejected(_) => Ending::Server,
        }
    }

    /// Whether the same request can succeed later.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::TooSlow { .. }
            | Self::CutOff
            | Self::RateLimited { .. }
            | Self::Overloaded { .. } => true,
            Self::Refused(_)
            | Self::NoCredit(_)
            | Self::NoKey
            | Self::UnknownModel
            | Self::TooLong
            | Self::Empty
            | Self::ThoughtOnly { .. }
            | Self::Declined(_)
            | Self::Filtered
            | Self::NoTools(_)
            | Self::Nonsense(_)
            | Self::Redirects { .. }
            | Self::Rejected(_) => false,
        }
    }

    /// When the server asks to be tried again, from when it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Overloaded { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// A number as people read it: 2,048.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `limit` in whole seconds, minutes or hours, rounded up.
fn in_words(limit: Duration) -> String {
    match limit.as_secs().saturating_add(u64::from(limit.subsec_nanos() > 0)) {
        1 => "1 second".into(),
        seconds @ ..=120 => format!("{seconds} seconds"),
        seconds @ ..=7_200 => format!("{} minutes", seconds.div_ceil(60)),
        seconds => format!("{} hours", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause() -> Cause {
        Cause { status: 418, names: vec!["teapot".to_owned()], words: "secret words".to_owned() }
    }

    #[test]
    fn only_an_answer_that_stopped_by_itself_is_whole() {
        let model = Model { max_output_tokens: 2_048, ..Model::for_tests() };
        assert_eq!(Finish::Stop.told(&model), (Ending::Complete, None));
        for (finish, ending) in [
            (Finish::Length, Ending::Length),
            (Finish::Filter, Ending::Filter),
            (Finish::Error, Ending::Server),
            (Finish::Other("sense".into()), Ending::Other),
        ] {
            let (ended, told) = finish.told(&model);
            let told = told.unwrap();
            assert!(ended == ending && told.contains(" is kept. ") && !told.contains("sense"), "{told}");
        }
        assert!(Finish::Length.told(&model).1.unwrap().contains("the 2,048 tokens"));
    }

    #[test]
    fn sentences_say_what_is_kept_and_nothing_of_the_inside() {
        let slow = |part| ModelError::TooSlow { part, limit: Duration::from_millis(59_500) };
        let errors = [
            ModelError::Unreachable("dns error at internal.example".into()),
            slow(Part::FirstToken),
            slow(Part::Silence),
            slow(Part::Total),
            ModelError::CutOff,
            ModelError::RateLimited { retry_after: Some(Duration::from_secs(1)) },
            ModelError::RateLimited { retry_after: None },
            ModelError::Refused(cause()),
            ModelError::NoCredit(cause()),
            ModelError::UnknownModel,
            ModelError::TooLong,
            ModelError::Empty,
            ModelError::ThoughtOnly { max_tokens: 2_048 },
            ModelError::Declined("I can't.".into()),
            ModelError::Filtered,
            ModelError::NoTools(cause()),
            ModelError::Overloaded { status: 503, retry_after: None },
            ModelError::Nonsense("an event is not a completion"),
            ModelError::Redirects { status: 307 },
            ModelError::Rejected(cause()),
        ];
        for error in errors {
            let sentence = error.sentence();
            assert!(sentence.contains("is kept. "), "{sentence}");
            assert!(sentence.ends_with('.') && !sentence.contains("  "), "{sentence}");
            assert!(!error.to_string().contains("secret words"), "no log has them: {error}");
            for inside in ["internal", "503", "418", "307", "teapot", "completion", "secret words"] {
                assert!(!sentence.contains(inside), "{sentence}");
            }
        }
        let thought = ModelError::ThoughtOnly { max_tokens: 2_048 }.sentence();
        assert!(thought.contains("all of its 2,048 tokens"), "{thought}");
        assert_eq!(
            [7, 999, 1_000, 65_536, 1_234_567].map(grouped),
            ["7", "999", "1,000", "65,536", "1,234,567"]
        );
        let told = ModelError::Rejected(cause()).sentence_with_its_cause();
        assert!(told.ends_with("settings. Its server said: status 418, teapot: secret words."), "{told}");
        assert_eq!(ModelError::CutOff.sentence_with_its_cause(), ModelError::CutOff.sentence());
        assert!(slow(Part::Total).sentence().contains("within 60 seconds"));
        for (seconds, words) in
            [(1, "in 1 second,"), (120, "in 120 seconds,"), (121, "in 3 minutes,"), (86_400, "in 24 hours,")]
        {
            let limited = ModelError::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
            assert!(limited.sentence().contains(words), "{}", limited.sentence());
        }
    }
}
