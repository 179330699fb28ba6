//! What a route declares: one `ROUTE` beside each `handle`, from which the rest
//! is derived (`make routes`): its binary, the router of `cargo lambda watch`,
//! the OpenAPI document, and its function in infra/template.yaml.

use lambda_http::http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use shared::http::{Handler, StreamingHandler};

use crate::may::{Lambda, May};

/// One route.
#[derive(Clone, Copy)]
pub struct Route {
    /// The binary that serves it, which is its name everywhere else, too.
    pub binary: &'static str,
    /// The verb.
    pub method: Verb,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may call it, and on what.
    pub access: Access,
    /// The code that answers it.
    pub handle: Handle,
    /// What it does, in a line.
    pub summary: &'static str,
    /// The body it takes.
    pub takes: Body,
    /// What it answers.
    pub gives: Answer,
    /// Other answers that are no problems: a status, and what it has.
    pub also: &'static [Also],
    /// Query parameters. An empty one is none.
    pub query: &'static [Parameter],
    /// Request headers.
    pub headers: &'static [Parameter],
    /// What of AWS it may do. The linker proves it: tests/deploy/template.py.
    pub may: &'static [May],
    /// What its function has that others don't.
    pub lambda: Lambda,
    /// How its process starts.
    pub start: Start,
}

/// HTTP's verbs, as far as routes have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Reads.
    Get,
    /// Makes, or does.
    Post,
    /// Puts in the place of what is there.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Verb {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// As the `http` crate has it.
    pub const fn http(self) -> Method {
        match self {
            Self::Get => Method::GET,
            Self::Post => Method::POST,
            Self::Put => Method::PUT,
            Self::Patch => Method::PATCH,
            Self::Delete => Method::DELETE,
        }
    }
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
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
    /// A file of articles.
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

/// Another answer that is no problem.
#[derive(Clone, Copy)]
pub struct Also {
    /// Its status.
    pub status: u16,
    /// What it means.
    pub says: &'static str,
    /// The JSON it has; none when `None`.
    pub json: Option<fn(&mut SchemaGenerator) -> Schema>,
}

/// How a function's process starts: what it makes ready while Lambda gives it
/// a whole processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As many connections to the store as the route makes calls at once.
    Connections(u32),
    /// The same, and what the module's `prepare` makes.
    Prepared(u32),
    /// Nothing: the route does without the store.
    NoStore,
}

impl Route {
    /// A route that takes nothing but its path, and may do nothing, until told
    /// otherwise.
    pub const fn new(
        binary: &'static str,
        method: Verb,
        path: &'static str,
        access: Access,
        handle: Handle,
    ) -> Self {
        Self {
            binary,
            method,
            path,
            access,
            handle,
            summary: "",
            takes: Body::Nothing,
            gives: Answer::Document,
            also: &[],
            query: &[],
            headers: &[],
            may: &[],
            lambda: Lambda::USUAL,
            start: Start::Connections(1),
        }
    }

    /// What it does, in a line.
    pub const fn says(self, summary: &'static str) -> Self {
        Self { summary, ..self }
    }

    /// The body it takes.
    pub const fn takes(self, takes: Body) -> Self {
        Self { takes, ..self }
    }

    /// A body of JSON.
    pub const fn takes_json<T: JsonSchema>(self) -> Self {
        self.takes(Body::Json(|generator| generator.subschema_for::<T>()))
    }

    /// A body of JSON; none is as good as an empty object.
    pub const fn takes_optional_json<T: JsonSchema>(self) -> Self {
        self.takes(Body::OptionalJson(|generator| generator.subschema_for::<T>()))
    }

    /// What it answers when all is well.
    pub const fn gives(self, gives: Answer) -> Self {
        Self { gives, ..self }
    }

    /// What it answers when all is well: JSON, with this status.
    pub const fn gives_json<T: JsonSchema>(self, status: u16) -> Self {
        self.gives(Answer::Json(status, |generator| generator.subschema_for::<T>()))
    }

    /// What else it answers that is no problem.
    pub const fn also(self, also: &'static [Also]) -> Self {
        Self { also, ..self }
    }

    /// Its query parameters.
    pub const fn query(self, query: &'static [Parameter]) -> Self {
        Self { query, ..self }
    }

    /// The request headers it reads.
    pub const fn headers(self, headers: &'static [Parameter]) -> Self {
        Self { headers, ..self }
    }

    /// What of AWS it may do.
    pub const fn may(self, may: &'static [May]) -> Self {
        Self { may, ..self }
    }

    /// What its function has that others don't.
    pub const fn lambda(self, lambda: Lambda) -> Self {
        Self { lambda, ..self }
    }

    /// How its process starts.
    pub const fn starts(self, start: Start) -> Self {
        Self { start, ..self }
    }
}

/// What `If-None-Match` is answered with when nothing changed.
pub const NOT_MODIFIED: Also = Also { status: 304, says: "What the ETag names still holds.", json: None };

/// Entries of a page of a list.
pub const LIMIT: Parameter = ("limit", Value::Number(1, 100), "Entries of a page, 1 to 100; 20 when absent.");
/// The place where a page begins.
pub const CURSOR: Parameter = ("cursor", Value::Any, "Where the page before ended, as its next_cursor said.");
/// The header that makes a request repeatable.
pub const ONCE: Parameter = (
    "Idempotency-Key",
    Value::Form("^[!-~]([ -~]{0,198}[!-~])?$"),
    "Makes a repeat return the first answer, for a day. 1 to 200 ASCII characters.",
);
/// The form of `If-Match`: a revision as the ETag gave it, or any.
pub const IF_MATCH: Value = Value::Form(r#"^(\*|(W/)?"?[0-9]{1,19}"?)$"#);
/// The header that asks for an answer only when it changed.
pub const IF_NONE_MATCH: Parameter = ("If-None-Match", Value::Any, "An ETag; 304 when it still holds.");

/// A route and where its code is.
#[derive(Clone, Copy)]
pub struct Placed {
    /// The module that has its `handle`, such as `functions::drafts::commit`.
    pub module: &'static str,
    /// The route.
    pub route: &'static Route,
}

/// The `handle` of the module this stands in, whose response is sent whole.
macro_rules! whole {
    ($handle:ident) => {
        $crate::route::Handle::Whole(|app, request| Box::pin($handle(app, request)))
    };
}

/// The `handle` of the module this stands in, whose response is sent as it grows.
macro_rules! streaming {
    ($handle:ident) => {
        $crate::route::Handle::Streaming(|app, request| Box::pin($handle(app, request)))
    };
}

/// The routes of a resource: one module each, which has a `ROUTE`.
macro_rules! routes {
    ($($route:ident),* $(,)?) => {
        $(pub mod $route;)*

        /// The routes of this resource.
        pub(crate) const ROUTES: &[$crate::route::Placed] = &[
            $($crate::route::Placed {
                module: concat!(module_path!(), "::", stringify!($route)),
                route: &$route::ROUTE,
            },)*
        ];
    };
}

pub(crate) use {routes, streaming, whole};
