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
use crate::domain::removal::Asker;
use crate::http::{Code, Problem, Request};

/// A signed-in person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The `sub` claim: who owns what they make.
    pub id: String,
    /// Whether they are in the group [`ADMINISTRATORS`].
    pub administrator: bool,
}

impl User {
    /// This user, as who asks for a deletion.
    pub fn asker(&self) -> Asker<'_> {
        Asker { user_id: &self.id, administrator: self.administrator }
    }
}

/// The group whose members may delete what is everybody's.
pub const ADMINISTRATORS: &str = "administrators";

/// The user who sent `request`.
pub async fn user(app: &App, request: &Request) -> Result<User, Problem> {
    if let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref()
        && let Some(jwt) = context.authorizer.as_ref().and_then(|authorizer| authorizer.jwt.as_ref())
    {
        return user_of(&jwt.claims).map_err(refused);
    }
    let token = bearer(request).ok_or_else(|| refused("no bearer token"))?;
    let claims = app.keys.verify(app, token).await?;
    let administrator = claims.groups.iter().any(|group| group == ADMINISTRATORS);
    Ok(User { id: claims.sub, administrator })
}

/// The claim that names a user's groups.
const GROUPS: &str = "cognito:groups";

/// Whether `group` is among these groups, as the authorizer writes a list: `[one another]`.
fn is_in(groups: &str, group: &str) -> bool {
    groups.trim_start_matches('[').trim_end_matches(']').split_whitespace().any(|one| one == group)
}

/// Who the authorizer's claims say it is. The authorizer takes an ID token,
/// whose `aud` is the client, for an access token, whose `client_id` is; only
/// the second says what its bearer may do.
fn user_of(claims: &HashMap<String, String>) -> Result<User, &'static str> {
    let claim = |name: &str| claims.get(name).map(String::as_str).unwrap_or_default();
    match (claim("token_use"), claim("sub")) {
        ("access", "") => Err("the authorizer's claims have no sub"),
        ("access", sub) => {
            Ok(User { id: sub.to_owned(), administrator: is_in(claim(GROUPS), ADMINISTRATORS) })
        }
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
        let ada = User { id: "ada".to_owned(), administrator: false };
        assert_eq!(user_of(&claims("access", "ada")), Ok(ada));
        for refused in [claims("id", "ada"), claims("access", ""), claims("", "ada"), HashMap::new()] {
            assert!(user_of(&refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn an_administrator_is_who_is_in_that_group() {
        let is_one = |groups: &str| {
            let mut claims = claims("access", "ada");
            claims.insert(GROUPS.to_owned(), groups.to_owned());
            user_of(&claims).is_ok_and(|user| user.administrator)
        };
        for groups in ["[administrators]", "[operators administrators]", "administrators"] {
            assert!(is_one(groups), "{groups}");
        }
        for groups in ["", "[]", "[operators]", "[former-administrators]", "[administrators-of-nothing]"] {
            assert!(!is_one(groups), "{groups}");
        }
    }
}
