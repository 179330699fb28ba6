//! The route table: verb and path → handler → binary, with what the OpenAPI
//! document says of each. The gateway, the document and the tests read it.

use lambda_http::http::Method;
use schemars::{Schema, SchemaGenerator};
use shared::domain::draft::Edit;
use shared::domain::large_import::{FileOrder, LargeImport};
use shared::domain::prompt::Commit;
use shared::domain::run::{Order, Verdict};
use shared::feeds::Feed;
use shared::http::{Handler, StreamingHandler};

use crate::{chat, drafts, feeds, health, imports, metrics, models, openapi, prompts, tests, topics};

/// One route.
pub struct Route {
    /// The binary that serves it.
    pub binary: &'static str,
    /// The verb.
    pub method: Method,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may call it, and on what.
    pub access: Access,
    /// What runs.
    pub handle: Handle,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The body it takes.
    pub takes: Body,
    /// What it answers.
    pub gives: Answer,
    /// Query parameters. An empty one is none.
    pub query: &'static [Parameter],
    /// Request headers.
    pub headers: &'static [Parameter],
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without a token.
    Open,
    /// Every signed-in user: on what all share, or to make and list their own.
    /// The path names nothing of another user's.
    Shared,
    /// A signed-in user, on what is theirs: for anyone else it does not exist.
    Owner,
}

/// A handler.
#[derive(Clone, Copy)]
pub enum Handle {
    /// Its response is sent whole.
    Whole(Handler),
    /// Its response is sent as it grows.
    Streaming(StreamingHandler),
}

/// The body a route takes.
#[derive(Clone, Copy)]
pub enum Body {
    /// None.
    Nothing,
    /// JSON of this schema.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// The same; none is as good as an empty object.
    OptionalJson(fn(&mut SchemaGenerator) -> Schema),
    /// Articles, as JSON Lines or CSV.
    Articles,
}

/// A query parameter or a request header: its name, what it may be, and what it says.
pub type Parameter = (&'static str, Value, &'static str);

/// What a parameter may be. Anything else is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any text: what isn't understood is passed over, or names nothing.
    Any,
    /// A line of text of this many characters, trimmed.
    Line(usize, usize),
    /// Text of up to so many characters.
    Prose(usize),
    /// A whole number within these bounds.
    Number(u32, u32),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Text of this form, a regular expression.
    Form(&'static str),
}

/// What a route answers when all is well.
#[derive(Clone, Copy)]
pub enum Answer {
    /// JSON of this schema, with this status.
    Json(u16, fn(&mut SchemaGenerator) -> Schema),
    /// Server-sent events.
    Events,
    /// The OpenAPI document.
    Document,
}

macro_rules! whole {
    ($($module:ident)::+) => {
        Handle::Whole(|app, request| Box::pin($($module)::+::handle(app, request)))
    };
}

macro_rules! json {
    ($type:ty) => {
        Body::Json(|generator| generator.subschema_for::<$type>())
    };
    ($status:literal, $type:ty) => {
        Answer::Json($status, |generator| generator.subschema_for::<$type>())
    };
}

const DRAFTS: &str = "/api/auspex/prompts/workshop/drafts";
const DRAFT: &str = "/api/auspex/prompts/workshop/drafts/{id}";
const TESTS: &str = "/api/auspex/prompts/workshop/drafts/{id}/tests";
const TEST: &str = "/api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}";
const PROMPT: &str = "/api/auspex/prompts/{name}";
const ARTICLES: &str = "/api/topics/{topic}/articles";
const FEEDS: &str = "/api/topics/{topic}/feeds";
const IMPORTS: &str = "/api/topics/{topic}/imports";

const LIMIT: Parameter = ("limit", Value::Number(1, 100), "Entries of a page, 1 to 100; 20 when absent.");
const CURSOR: Parameter = ("cursor", Value::Any, "Where the page before ended, as its next_cursor said.");
const ONCE: Parameter = (
    "Idempotency-Key",
    Value::Form("^[!-~]([ -~]{0,198}[!-~])?$"),
    "Makes a repeat return the first answer, for a day. 1 to 200 ASCII characters.",
);
const IF_MATCH: Value = Value::Form(r#"^(\*|(W/)?"?[0-9]{1,19}"?)$"#);
const IF_NONE_MATCH: Parameter = ("If-None-Match", Value::Any, "An ETag; 304 when it still holds.");

/// All routes that HTTP calls.
pub static ROUTES: &[Route] = &[
    Route {
        binary: "drafts-start",
        method: Method::POST,
        path: "/api/auspex/prompts/workshop/start",
        access: Access::Shared,
        handle: whole!(drafts::start),
        summary: "Starts a workshop: a new draft with its conversation.",
        takes: Body::OptionalJson(|generator| generator.subschema_for::<drafts::start::Input>()),
        gives: json!(201, drafts::start::Output),
        query: &[],
        headers: &[ONCE],
    },
    Route {
        binary: "drafts-list",
        method: Method::GET,
        path: DRAFTS,
        access: Access::Shared,
        handle: whole!(drafts::list),
        summary: "The caller's drafts, newest change first.",
        takes: Body::Nothing,
        gives: json!(200, drafts::list::Output),
        query: &[
            (
                "status_filter",
                Value::Word(&["draft", "testing", "ready", "committed"]),
                "Only drafts of this status: draft, testing, ready or committed.",
            ),
            LIMIT,
            CURSOR,
        ],
        headers: &[],
    },
    Route {
        binary: "drafts-get",
        method: Method::GET,
        path: DRAFT,
        access: Access::Owner,
        handle: whole!(drafts::get),
        summary: "A draft, whole. Its ETag is its revision.",
        takes: Body::Nothing,
        gives: json!(200, drafts::DraftView),
        query: &[],
        headers: &[IF_NONE_MATCH],
    },
    Route {
        binary: "drafts-update",
        method: Method::PUT,
        path: DRAFT,
        access: Access::Owner,
        handle: whole!(drafts::update),
        summary: "Saves a draft. With If-Match, only over that revision; otherwise 412 with the current draft.",
        takes: json!(Edit),
        gives: json!(200, drafts::update::Output),
        query: &[],
        headers: &[("If-Match", IF_MATCH, "The revision the save was made from, as the ETag gave it.")],
    },
    Route {
        binary: "drafts-delete",
        method: Method::DELETE,
        path: DRAFT,
        access: Access::Owner,
        handle: whole!(drafts::delete),
        summary: "Deletes a draft with its conversation and tests.",
        takes: Body::Nothing,
        gives: json!(200, drafts::Done),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "drafts-commit",
        method: Method::POST,
        path: "/api/auspex/prompts/workshop/drafts/{id}/commit",
        access: Access::Owner,
        handle: whole!(drafts::commit),
        summary: "Commits a draft to the library: a new prompt, or the next version of its own.",
        takes: json!(Commit),
        gives: json!(201, drafts::commit::Output),
        query: &[],
        headers: &[ONCE, ("If-Match", IF_MATCH, "Commit only this revision.")],
    },
    Route {
        binary: "tests-start",
        method: Method::POST,
        path: "/api/auspex/prompts/workshop/drafts/{id}/test",
        access: Access::Owner,
        handle: whole!(tests::start),
        summary: "Queues a test run of the draft as it stands. With Prefer: wait, 200 and the finished run.",
        takes: json!(Order),
        gives: json!(202, tests::RunView),
        query: &[],
        headers: &[
            ONCE,
            ("Prefer", Value::Any, "wait=N: wait up to N seconds, at most 25, for the end of the run."),
        ],
    },
    Route {
        binary: "tests-list",
        method: Method::GET,
        path: TESTS,
        access: Access::Owner,
        handle: whole!(tests::list),
        summary: "The draft's runs, newest first.",
        takes: Body::Nothing,
        gives: json!(200, tests::list::Output),
        query: &[LIMIT, CURSOR],
        headers: &[],
    },
    Route {
        binary: "tests-get",
        method: Method::GET,
        path: TEST,
        access: Access::Owner,
        handle: whole!(tests::get),
        summary: "A run with its full answer so far. Made to be polled.",
        takes: Body::Nothing,
        gives: json!(200, tests::FullRunView),
        query: &[],
        headers: &[IF_NONE_MATCH],
    },
    Route {
        binary: "tests-rate",
        method: Method::PATCH,
        path: TEST,
        access: Access::Owner,
        handle: whole!(tests::rate),
        summary: "Gives, changes or takes back the rating and notes of a finished run.",
        takes: json!(Verdict),
        gives: json!(200, tests::RunView),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "tests-cancel",
        method: Method::POST,
        path: "/api/auspex/prompts/workshop/drafts/{id}/tests/{test_id}/cancel",
        access: Access::Owner,
        handle: whole!(tests::cancel),
        summary: "Ends a waiting run, or asks the worker of a running one to stop.",
        takes: Body::Nothing,
        gives: json!(202, tests::RunView),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "chat-send",
        method: Method::POST,
        path: "/api/auspex/chat/message",
        access: Access::Owner,
        handle: Handle::Streaming(|app, request| Box::pin(chat::send::handle(app, request))),
        summary: "Keeps the user's message and streams the assistant's answer.",
        takes: json!(chat::send::Input),
        gives: Answer::Events,
        query: &[],
        headers: &[ONCE],
    },
    Route {
        binary: "chat-stop",
        method: Method::POST,
        path: "/api/auspex/chat/sessions/{chat_id}/stop",
        access: Access::Owner,
        handle: whole!(chat::stop),
        summary: "Stops the answer that is being written. What was written is kept.",
        takes: Body::Nothing,
        gives: json!(202, drafts::Done),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "chat-history",
        method: Method::GET,
        path: "/api/auspex/chat/sessions/{chat_id}/messages",
        access: Access::Owner,
        handle: whole!(chat::history),
        summary: "The newest messages of a conversation, in the order they were said.",
        takes: Body::Nothing,
        gives: json!(200, chat::history::Output),
        query: &[LIMIT, CURSOR],
        headers: &[],
    },
    Route {
        binary: "prompts-list",
        method: Method::GET,
        path: "/api/auspex/prompts",
        access: Access::Shared,
        handle: whole!(prompts::list),
        summary: "The library, newest change first.",
        takes: Body::Nothing,
        gives: json!(200, prompts::list::Output),
        query: &[LIMIT, CURSOR],
        headers: &[],
    },
    Route {
        binary: "prompts-get",
        method: Method::GET,
        path: PROMPT,
        access: Access::Shared,
        handle: whole!(prompts::get),
        summary: "A prompt with the text of its newest version, or of another.",
        takes: Body::Nothing,
        gives: json!(200, prompts::get::Output),
        query: &[(
            "version",
            Value::Number(1, u32::MAX),
            "The version's number, 1 for the first; the newest when absent.",
        )],
        headers: &[IF_NONE_MATCH],
    },
    Route {
        binary: "prompts-versions",
        method: Method::GET,
        path: "/api/auspex/prompts/{name}/versions",
        access: Access::Shared,
        handle: whole!(prompts::versions),
        summary: "A prompt's versions, newest first, without their texts.",
        takes: Body::Nothing,
        gives: json!(200, prompts::versions::Output),
        query: &[LIMIT, CURSOR],
        headers: &[],
    },
    Route {
        binary: "prompts-delete",
        method: Method::DELETE,
        path: PROMPT,
        access: Access::Owner,
        handle: whole!(prompts::delete),
        summary: "Deletes a prompt of the caller's, with all its versions.",
        takes: Body::Nothing,
        gives: json!(200, drafts::Done),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "prompts-clone",
        method: Method::POST,
        path: "/api/auspex/prompts/{name}/clone",
        access: Access::Shared,
        handle: whole!(prompts::clone),
        summary: "Clones a prompt into a new draft of the caller's.",
        takes: Body::Nothing,
        gives: json!(201, prompts::clone::Output),
        query: &[(
            "clone_name",
            Value::Line(3, 100),
            "The draft's name, 3 to 100 characters; \"Modified {title}\" when absent.",
        )],
        headers: &[ONCE],
    },
    Route {
        binary: "topics-list",
        method: Method::GET,
        path: "/api/topics",
        access: Access::Shared,
        handle: whole!(topics::list),
        summary: "The topics by name, with their counts and dates. Link names the next page.",
        takes: Body::Nothing,
        gives: json!(200, Vec<topics::list::Output>),
        query: &[
            ("limit", Value::Number(1, 100), "Entries of a page, 1 to 100; 100 when absent."),
            ("cursor", Value::Any, "As Link gave it."),
        ],
        headers: &[],
    },
    Route {
        binary: "topics-delete",
        method: Method::DELETE,
        path: "/api/topics/{topic}",
        access: Access::Owner,
        handle: whole!(topics::delete),
        summary: "Deletes a topic with its articles and feeds: its maker's, or for an administrator.",
        takes: Body::Nothing,
        gives: json!(200, topics::delete::Output),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "articles-delete",
        method: Method::DELETE,
        path: "/api/topics/{topic}/articles/{article_id}",
        access: Access::Owner,
        handle: whole!(topics::delete_article),
        summary: "Deletes an article of a topic: for the topic's maker, or an administrator.",
        takes: Body::Nothing,
        gives: json!(200, drafts::Done),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "articles-import",
        method: Method::POST,
        path: ARTICLES,
        access: Access::Shared,
        handle: whole!(topics::import),
        summary: "Imports articles, up to 5 MB. Makes the topic; a bad line is rejected alone.",
        takes: Body::Articles,
        gives: json!(200, topics::import::Output),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "imports-start",
        method: Method::POST,
        path: IMPORTS,
        access: Access::Shared,
        handle: whole!(imports::start),
        summary: "Says where a file of up to 200 MB can be uploaded, to be imported in the background.",
        takes: json!(FileOrder),
        gives: json!(201, imports::start::Output),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "imports-run",
        method: Method::POST,
        path: "/api/topics/{topic}/imports/{import_id}/run",
        access: Access::Owner,
        handle: whole!(imports::run),
        summary: "Queues an import whose file was uploaded. A repeat changes nothing.",
        takes: Body::Nothing,
        gives: json!(202, LargeImport),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "imports-get",
        method: Method::GET,
        path: "/api/topics/{topic}/imports/{import_id}",
        access: Access::Owner,
        handle: whole!(imports::get),
        summary: "How the import of an uploaded file stands. Made to be polled.",
        takes: Body::Nothing,
        gives: json!(200, LargeImport),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "articles-search",
        method: Method::GET,
        path: ARTICLES,
        access: Access::Shared,
        handle: whole!(topics::search),
        summary: "What a test would find.",
        takes: Body::Nothing,
        gives: json!(200, topics::search::Output),
        query: &[
            (
                "query",
                Value::Prose(1_000),
                "Words, and phrases of time such as \"last 7 days\"; up to 1,000 characters.",
            ),
            ("days", Value::Number(1, 36_500), "Only articles of so many days, 1 to 36,500."),
            ("limit", Value::Number(1, 200), "Articles shown, 1 to 200; 20 when absent."),
            ("category", Value::Line(1, 100), "Only this category."),
            (
                "sentiment",
                Value::Word(&["positive", "neutral", "critical", "negative"]),
                "Only positive, neutral, critical or negative articles.",
            ),
            ("source", Value::Line(1, 100), "Only this outlet."),
            ("by", Value::Word(&["words", "meaning", "both"]), "words, meaning, or both when absent."),
        ],
        headers: &[],
    },
    Route {
        binary: "topics-facets",
        method: Method::GET,
        path: "/api/topics/{topic}/facets",
        access: Access::Shared,
        handle: whole!(topics::facets),
        summary: "Which categories, sentiments and outlets the newest articles have.",
        takes: Body::Nothing,
        gives: json!(200, topics::facets::Output),
        query: &[("days", Value::Number(1, 36_500), "Only articles of so many days, 1 to 36,500.")],
        headers: &[],
    },
    Route {
        binary: "feeds-list",
        method: Method::GET,
        path: FEEDS,
        access: Access::Shared,
        handle: whole!(feeds::list),
        summary: "The feeds that a topic follows, and how each is doing.",
        takes: Body::Nothing,
        gives: json!(200, feeds::list::Output),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "feeds-follow",
        method: Method::POST,
        path: FEEDS,
        access: Access::Shared,
        handle: whole!(feeds::follow),
        summary: "Follows a feed, which is collected at once. Makes the topic.",
        takes: json!(feeds::follow::Input),
        gives: json!(201, Feed),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "feeds-collect",
        method: Method::POST,
        path: "/api/topics/{topic}/feeds/{feed_id}/collect",
        access: Access::Shared,
        handle: whole!(feeds::collect),
        summary: "Collects a feed now, at most once a minute.",
        takes: Body::Nothing,
        gives: json!(200, Feed),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "feeds-unfollow",
        method: Method::DELETE,
        path: "/api/topics/{topic}/feeds/{feed_id}",
        access: Access::Shared,
        handle: whole!(feeds::unfollow),
        summary: "Follows a feed no longer. Its articles stay.",
        takes: Body::Nothing,
        gives: json!(200, drafts::Done),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "models-list",
        method: Method::GET,
        path: "/api/models",
        access: Access::Shared,
        handle: whole!(models),
        summary: "The models, the default one first.",
        takes: Body::Nothing,
        gives: json!(200, Vec<models::ModelView>),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "metrics-get",
        method: Method::GET,
        path: "/api/metrics",
        access: Access::Shared,
        handle: whole!(metrics),
        summary: "The deployment's figures by day and in all.",
        takes: Body::Nothing,
        gives: json!(200, metrics::Output),
        query: &[("days", Value::Number(1, 365), "How many days, 1 to 365; 30 when absent.")],
        headers: &[],
    },
    Route {
        binary: "health",
        method: Method::GET,
        path: "/api/health",
        access: Access::Open,
        handle: whole!(health),
        summary: "Says that it runs, and which version.",
        takes: Body::Nothing,
        gives: json!(200, health::Output),
        query: &[],
        headers: &[],
    },
    Route {
        binary: "openapi-get",
        method: Method::GET,
        path: "/api/openapi.json",
        access: Access::Open,
        handle: whole!(openapi),
        summary: "This document.",
        takes: Body::Nothing,
        gives: Answer::Document,
        query: &[],
        headers: &[],
    },
];
