//! Who is asking.
//!
//! Behind the HTTP API the authorizer has checked the token and put its claims
//! into the request's context, where only the gateway can put them. Behind the
//! function URL and under `cargo lambda watch` there is no authorizer, and the
//! token is checked here, against the issuer's keys. There is no third way.

mod keys;
mod token;

use std::collections::HashMap;

use lambda_http::RequestExt;
use lambda_http::http::header;
use lambda_http::request::RequestContext;

pub use keys::KeyCache;
pub use token::{Claims, Expected, KeySet, TokenError, verify};

use crate::app::App;
use crate::http::{Code, Problem, Request};

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The `sub` claim: who owns what they make.
    pub id: String,
}

/// The user who sent `request`.
pub async fn user(app: &App, request: &Request) -> Result<User, Problem> {
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref()
        && let Some(jwt) = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref())
    {
        return user_of(&jwt.claims).map_err(refused);
    }
    let token = bearer(request).ok_or_else(|| refused("no bearer token"))?;
    let claims = app.keys.verify(app, token).await?;
    Ok(User { id: claims.sub })
}

/// Who the authorizer's claims say it is. The authorizer takes an ID token,
/// whose `aud` is the client, for an access token, whose `client_id` is; only
/// the second says what its bearer may do.
fn user_of(claims: &HashMap<String, String>) -> Result<User, &'static str> {
    let claim = |name: &str| claims.get(name).map(String::as_str).unwrap_or_default();
    match (claim("token_use"), claim("sub")) {
        ("access", "") => Err("the authorizer's claims have no sub"),
        ("access", sub) => Ok(User { id: sub.to_owned() }),
        _ => Err("the authorizer let a token pass that is not an access token"),
    }
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1). Two headers
/// name nobody: who stands before this could have looked at the other one.
pub fn bearer(request: &Request) -> Option<&str> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let value = value.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// The one answer to a token that is missing or not valid, whatever is wrong
/// with it; the log is told.
pub fn refused(cause: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Unauthorized, "Your sign-in is missing or has expired. Sign in and try again.")
        .with_cause(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(token_use: &str, sub: &str) -> HashMap<String, String> {
        [("token_use", token_use), ("sub", sub)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn only_an_access_token_that_names_someone_passes() {
        assert_eq!(user_of(&claims("access", "ada")), Ok(User { id: "ada".to_owned() }));
        for refused in [claims("id", "ada"), claims("access", ""), claims("", "ada"), HashMap::new()] {
            assert!(user_of(&refused).is_err(), "{refused:?}");
        }
    }
}
