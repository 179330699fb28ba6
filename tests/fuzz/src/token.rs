//! Access tokens, and the key set of whoever issues them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shared::auth::{Expected, KeySet, verify};

use crate::{now, with_choice};

static KEY: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let public = RsaPublicKeyComponents::<Vec<u8>>::from(KEY.public_key());
    let (n, e) = (BASE64.encode(public.n), BASE64.encode(public.e));
    let set = json!({"keys": [{"kty": "RSA", "kid": "k1", "n": n, "e": e}]});
    KeySet::parse(set.to_string().as_bytes()).unwrap()
});
const EXPECTED: Expected<'_> = Expected { issuer: "https://issuer.example/pool", client_id: "workshop" };
/// How far two clocks may differ.
const LEEWAY: f64 = 60.0;

/// By the input's first byte, the rest is a whole token, a key set, or what the
/// issuer signed.
///
/// Nothing that the issuer didn't sign is a token; and of what it did, only what is
/// for this application, at this time.
pub fn take(data: &[u8]) {
    let (choice, rest) = with_choice(data);
    match choice % 3 {
        0 => assert!(verify(&String::from_utf8_lossy(rest), &KEYS, &EXPECTED, now()).is_err()),
        1 => {
            if let Ok(strangers) = KeySet::parse(rest) {
                let token = signed(br#"{"sub": "ada"}"#);
                assert!(verify(&token, &strangers, &EXPECTED, now()).is_err());
            }
        }
        _ => {
            if let Ok(claims) = verify(&signed(rest), &KEYS, &EXPECTED, now()) {
                let said = said(rest);
                assert!(said["sub"] == claims.sub.as_str() && !claims.sub.is_empty());
                assert!(said["iss"] == EXPECTED.issuer && said["client_id"] == EXPECTED.client_id);
                assert_eq!(said["token_use"], "access");
                let now = now().as_millis() as f64 / 1_000.0;
                assert!(said["exp"].as_f64().unwrap() > now - LEEWAY);
                for start in ["nbf", "iat"] {
                    // To the millisecond.
                    assert!(said[start].as_f64().is_none_or(|start| start < now + LEEWAY + 0.001), "{said}");
                }
            }
        }
    }
}

/// The claims that are looked at. Of the others nobody reads what is in their strings: it may be no text at all.
fn said(payload: &[u8]) -> Value {
    let text = String::from_utf8_lossy(payload);
    let claims: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
    let read = ["sub", "iss", "client_id", "token_use", "exp", "nbf", "iat"].into_iter();
    let claim = |name: &str| serde_json::from_str::<Value>(claims.get(name)?.get()).ok();
    read.filter_map(|name| Some((name.to_owned(), claim(name)?))).collect()
}

fn signed(payload: &[u8]) -> String {
    let header = br#"{"alg": "RS256", "kid": "k1"}"#;
    let message = format!("{}.{}", BASE64.encode(header), BASE64.encode(payload));
    let mut signature = vec![0; KEY.public_modulus_len()];
    KEY.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", BASE64.encode(signature))
}
