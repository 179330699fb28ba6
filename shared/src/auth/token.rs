//! Access tokens: what a signed-in user sends with every request.
//!
//! A token is a JSON Web Token (RFC 7519) signed with RS256, with the claims of an Amazon Cognito access
//! token. The checks follow RFC 8725 (JWT best current practices): one algorithm, chosen here and never by
//! the token; a known key; the issuer, the client and the kind of token all as expected.

use std::collections::HashMap;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use crate::domain::time::Timestamp;

/// How far the issuer's clock and this one may differ, in milliseconds.
const LEEWAY_MS: i64 = 60_000;

/// The issuer's public keys, by key id.
#[derive(Clone, Debug)]
pub struct KeySet(HashMap<String, DecodingKey>);

impl KeySet {
    /// Reads a JSON Web Key Set (RFC 7517). Keys that don't sign with RS256, or have no id, are left out, so
    /// that an issuer can publish others beside them.
    ///
    /// # Errors
    /// [`TokenError::KeySet`] when `json` is not a key set, or has no key that signs: an issuer in trouble
    /// must not make good keys be forgotten.
    pub fn parse(json: &[u8]) -> Result<Self, TokenError> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|_| TokenError::KeySet)?;
        let jwks = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        let keys: HashMap<_, _> = jwks.filter_map(Jwk::into_rs256).collect();
        if keys.is_empty() { Err(TokenError::KeySet) } else { Ok(Self(keys)) }
    }
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// `alg` and `use` are optional (RFC 7517, 4.2 and 4.4), and some issuers leave them out.
    fn into_rs256(self) -> Option<(String, DecodingKey)> {
        let signs = self.usage.is_none_or(|usage| usage == "sig");
        let rs256 = self.kty == "RSA" && self.alg.is_none_or(|alg| alg == "RS256");
        if !signs || !rs256 {
            return None;
        }
        let key = DecodingKey::from_rsa_components(&self.n?, &self.e?).ok()?;
        Some((self.kid?, key))
    }
}

/// Who must have issued a token, and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer's URL, exactly as the token's `iss` has it.
    pub issuer: &'a str,
    /// The application that the token was given to.
    pub client_id: &'a str,
}

/// What a verified token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims {
    /// The user's id at the issuer: never empty, never reused, never changed.
    pub sub: String,
    /// The name that the user signs in with.
    pub username: Option<String>,
    /// When the token ends.
    pub expires_at: Timestamp,
    /// What the token may be used for.
    pub scopes: Vec<String>,
    /// The user's groups, from `cognito:groups`.
    pub groups: Vec<String>,
}

/// Why a token is refused. For the log: a client learns no more than that it has to sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The issuer's key set can't be read, or can't check any token.
    #[error("the issuer's key set is not a JSON Web Key Set with an RS256 key")]
    KeySet,
    /// It is no token, or lacks a claim that every access token has.
    #[error("the token is malformed")]
    Malformed,
    /// It is signed with something other than RS256.
    #[error("the token's algorithm is not RS256")]
    Algorithm,
    /// Its key is not in the key set. Issuers change keys, so fetching the set anew may help.
    #[error("the token's key is not known")]
    UnknownKey,
    /// It was changed after it was signed, or someone else signed it.
    #[error("the token's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come, or it was issued in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Someone else issued it.
    #[error("the token is from another issuer")]
    Issuer,
    /// It was given to another application.
    #[error("the token is for another client")]
    Client,
    /// It says who someone is (an ID token), not what they may do.
    #[error("the token is not an access token")]
    NotAccessToken,
}

/// Verifies an access token and returns what it says.
///
/// # Errors
/// The first [`TokenError`] that holds; [`TokenError::UnknownKey`] lets the caller fetch the keys again.
pub fn verify(
    token: &str,
    keys: &KeySet,
    expected: &Expected<'_>,
    now: Timestamp,
) -> Result<Claims, TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    // RFC 7515, 4.1.11: an extension marked critical that isn't understood (none is) refuses the token.
    if header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let key = header.kid.and_then(|kid| keys.0.get(&kid)).ok_or(TokenError::UnknownKey)?;
    let payload =
        jsonwebtoken::decode::<Payload>(token, key, &signature_only()).map_err(|error| {
            match error.kind() {
                ErrorKind::InvalidSignature => TokenError::Signature,
                ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
                _ => TokenError::Malformed,
            }
        })?;
    payload.claims.check(expected, now)
}

/// The library's own checks of claims are off: they read the clock themselves and let absent claims pass.
fn signature_only() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

/// The claims as they are written. Times are seconds since the epoch, with or without a fraction (RFC 7519,
/// NumericDate).
#[derive(Deserialize)]
struct Payload {
    sub: String,
    iss: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    client_id: Option<String>,
    token_use: Option<String>,
    username: Option<String>,
    #[serde(default)]
    scope: String,
    #[serde(default, rename = "cognito:groups")]
    groups: Vec<String>,
}

impl Payload {
    fn check(self, expected: &Expected<'_>, now: Timestamp) -> Result<Claims, TokenError> {
        if self.iss != expected.issuer {
            return Err(TokenError::Issuer);
        }
        if self.token_use.as_deref() != Some("access") {
            return Err(TokenError::NotAccessToken);
        }
        if self.client_id.as_deref() != Some(expected.client_id) {
            return Err(TokenError::Client);
        }
        if self.sub.is_empty() {
            return Err(TokenError::Malformed);
        }
        let expires_at = numeric_date(self.exp);
        if now >= expires_at.plus_millis(LEEWAY_MS) {
            return Err(TokenError::Expired);
        }
        let earliest = now.plus_millis(LEEWAY_MS);
        if [self.nbf, self.iat].into_iter().flatten().any(|start| numeric_date(start) > earliest) {
            return Err(TokenError::NotYetValid);
        }
        Ok(Claims {
            sub: self.sub,
            username: self.username,
            expires_at,
            scopes: self.scope.split_whitespace().map(str::to_owned).collect(),
            groups: self.groups,
        })
    }
}

fn numeric_date(seconds: f64) -> Timestamp {
    Timestamp::from_millis((seconds * 1000.0) as i64)
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::LazyLock;

    use aws_lc_rs::hmac;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
    use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
    use serde_json::{Value, json};

    use super::*;

    pub(crate) static KEY: LazyLock<RsaKeyPair> =
        LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
    pub(crate) static OTHER_KEY: LazyLock<RsaKeyPair> =
        LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

    const ISSUER: &str = "https://issuer.example/pool";
    const EXPECTED: Expected<'_> = Expected { issuer: ISSUER, client_id: "workshop" };

    fn now() -> Timestamp {
        "2026-11-21T09:30:00Z".parse().unwrap()
    }

    pub(crate) fn jwk(key: &RsaKeyPair, kid: &str) -> Value {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
        json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": kid,
            "n": BASE64.encode(public.n), "e": BASE64.encode(public.e),
        })
    }

    fn keys() -> KeySet {
        KeySet::parse(&serde_json::to_vec(&json!({"keys": [jwk(&KEY, "k1")]})).unwrap()).unwrap()
    }

    fn claims() -> Value {
        json!({
            "sub": "11111111-aaaa", "username": "ada", "iss": ISSUER, "client_id": "workshop",
            "token_use": "access", "scope": "openid profile", "cognito:groups": ["operators"],
            "iat": now().as_seconds(), "exp": now().as_seconds() + 3600,
        })
    }

    fn with(changes: Value) -> Value {
        let mut claims = claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    fn unsigned(header: &Value, claims: &Value) -> String {
        format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()))
    }

    pub(crate) fn signed_by(key: &RsaKeyPair, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", BASE64.encode(signature))
    }

    fn signed(claims: &Value) -> String {
        signed_by(&KEY, &json!({"alg": "RS256", "kid": "k1"}), claims)
    }

    fn outcome(token: &str) -> Result<Claims, TokenError> {
        verify(token, &keys(), &EXPECTED, now())
    }

    #[test]
    fn a_good_token_says_who_it_is() {
        let claims = outcome(&signed(&claims())).unwrap();
        assert_eq!(claims.sub, "11111111-aaaa");
        assert_eq!(claims.username.as_deref(), Some("ada"));
        assert_eq!(claims.scopes, ["openid", "profile"]);
        assert_eq!(claims.groups, ["operators"]);
        assert_eq!(claims.expires_at, now().plus_millis(3_600_000));
    }

    #[test]
    fn a_token_without_a_signature_is_refused() {
        let none = unsigned(&json!({"alg": "none", "kid": "k1"}), &claims());
        assert_eq!(outcome(&format!("{none}.")), Err(TokenError::Malformed));
        let stripped = unsigned(&json!({"alg": "RS256", "kid": "k1"}), &claims());
        assert_eq!(outcome(&format!("{stripped}.")), Err(TokenError::Signature));
    }

    #[test]
    fn the_public_key_is_not_taken_for_a_shared_secret() {
        let message = unsigned(&json!({"alg": "HS256", "kid": "k1"}), &claims());
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(KEY.public_key());
        for secret in [KEY.public_key().as_ref(), &public.n] {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            let token = format!("{message}.{}", BASE64.encode(tag));
            assert_eq!(outcome(&token), Err(TokenError::Algorithm));
        }
    }

    #[test]
    fn an_expired_token_is_refused_once_the_leeway_is_over() {
        let expired = |seconds_ago| signed(&with(json!({"exp": now().as_seconds() - seconds_ago})));
        assert!(outcome(&expired(59)).is_ok());
        assert_eq!(outcome(&expired(60)), Err(TokenError::Expired));
        assert_eq!(outcome(&signed(&with(json!({"exp": -1e300})))), Err(TokenError::Expired));
        assert_eq!(outcome(&signed(&without("exp"))), Err(TokenError::Malformed));
    }

    #[test]
    fn a_token_from_the_future_is_refused_beyond_the_leeway() {
        for claim in ["nbf", "iat"] {
            let starting_in = |seconds| signed(&with(json!({claim: now().as_seconds() + seconds})));
            assert!(outcome(&starting_in(60)).is_ok());
            assert_eq!(outcome(&starting_in(61)), Err(TokenError::NotYetValid), "{claim}");
        }
    }

    #[test]
    fn a_token_of_another_issuer_or_client_is_refused() {
        let near = signed(&with(json!({"iss": format!("{ISSUER}/")})));
        assert_eq!(outcome(&near), Err(TokenError::Issuer));
        assert_eq!(outcome(&signed(&without("iss"))), Err(TokenError::Malformed));
        assert_eq!(outcome(&signed(&with(json!({"client_id": "other"})))), Err(TokenError::Client));
        assert_eq!(outcome(&signed(&without("client_id"))), Err(TokenError::Client));
    }

    #[test]
    fn an_id_token_is_refused() {
        let id = with(json!({"token_use": "id", "aud": "workshop"}));
        assert_eq!(outcome(&signed(&id)), Err(TokenError::NotAccessToken));
        assert_eq!(outcome(&signed(&without("token_use"))), Err(TokenError::NotAccessToken));
    }

    #[test]
    fn a_token_of_an_unknown_key_is_told_apart_so_that_keys_can_be_fetched_again() {
        for header in [json!({"alg": "RS256", "kid": "k2"}), json!({"alg": "RS256"})] {
            assert_eq!(outcome(&signed_by(&OTHER_KEY, &header, &claims())), Err(TokenError::UnknownKey));
        }
    }

    #[test]
    fn a_forged_or_changed_token_is_refused() {
        let header = json!({"alg": "RS256", "kid": "k1"});
        assert_eq!(outcome(&signed_by(&OTHER_KEY, &header, &claims())), Err(TokenError::Signature));
        let genuine = signed(&claims());
        let signature = genuine.rsplit('.').next().unwrap();
        let changed = format!("{}.{signature}", unsigned(&header, &with(json!({"sub": "someone-else"}))));
        assert_eq!(outcome(&changed), Err(TokenError::Signature));
    }

    #[test]
    fn a_token_that_carries_its_own_key_is_still_checked_against_the_issuers() {
        let header = json!({"alg": "RS256", "kid": "k1", "jwk": jwk(&OTHER_KEY, "k1")});
        assert_eq!(outcome(&signed_by(&OTHER_KEY, &header, &claims())), Err(TokenError::Signature));
    }

    #[test]
    fn garbage_is_refused() {
        let critical = json!({"alg": "RS256", "kid": "k1", "crit": ["b64"]});
        let critical = signed_by(&KEY, &critical, &claims());
        let nobody = signed(&with(json!({"sub": ""})));
        let not_claims = signed(&json!(["sub"]));
        for token in ["", "a", "a.b", "a.b.c", "....", "Bearer x", "é.é.é", &critical, &nobody, &not_claims]
        {
            assert_eq!(outcome(token), Err(TokenError::Malformed), "{token}");
        }
    }

    #[test]
    fn keys_of_other_kinds_are_left_out_of_a_key_set() {
        let mut encryption = jwk(&KEY, "encrypts");
        encryption["use"] = json!("enc");
        let mut other_algorithm = jwk(&KEY, "rs512");
        other_algorithm["alg"] = json!("RS512");
        let mut bare = jwk(&KEY, "bare");
        bare.as_object_mut().unwrap().retain(|name, _| !["alg", "use"].contains(&name.as_str()));
        let set = json!({"keys": [
            encryption, other_algorithm, bare,
            {"kty": "EC", "crv": "P-256", "kid": "ec", "x": "AA", "y": "AA"},
            {"kty": "oct", "kid": "secret", "k": "AA"},
            // RFC 7517, 5: what lacks a member, or isn't understood, is ignored.
            {"kid": "without a type"}, {"kty": ["RSA"], "kid": "typed twice"}, "not a key",
        ]});
        let set = KeySet::parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(set.0.keys().collect::<Vec<_>>(), ["bare"]);
        for useless in ["<html>", "[]", "{}", r#"{"keys": []}"#, r#"{"keys": [{"kty": "EC", "kid": "k1"}]}"#]
        {
            assert_eq!(KeySet::parse(useless.as_bytes()).err(), Some(TokenError::KeySet), "{useless}");
        }
    }
}
