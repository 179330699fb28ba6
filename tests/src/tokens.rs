//! Tokens that are not what they should be: a good one of the machine's with
//! something changed, signed anew with the machine's own key, or with another.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaEncoding, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::Workshop;

/// Makes tokens.
pub struct Tokens {
    /// One that is good.
    pub good: String,
    /// Its header.
    pub header: Value,
    /// Its claims.
    pub claims: Value,
    /// The key that signed it.
    pub key: RsaKeyPair,
    /// A key that the machine doesn't know.
    pub other_key: RsaKeyPair,
}

impl Tokens {
    /// Like those of `user`.
    pub fn of(workshop: &Workshop, user: &str) -> Self {
        let good = workshop.machine.token(user).expect("a token");
        let part = |number| {
            let part = good.split('.').nth(number).expect("a part");
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("Base64")).expect("JSON")
        };
        Self {
            header: part(0),
            claims: part(1),
            key: RsaKeyPair::from_pkcs8(&workshop.sign_in_key()).expect("the machine's key"),
            other_key: RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"),
            good,
        }
    }

    /// The good one's second part.
    pub fn payload(&self) -> &str {
        self.good.split('.').nth(1).expect("a part")
    }

    /// The good one's third part.
    pub fn signature(&self) -> &str {
        self.good.split('.').nth(2).expect("a part")
    }

    /// With other members in its header, signed as the good one is.
    pub fn with_header(&self, changes: &Value) -> String {
        self.signed(&changed(&self.header, changes), &self.claims)
    }

    /// With other claims, signed as the good one is.
    pub fn with_claims(&self, changes: &Value) -> String {
        self.signed(&self.header, &changed(&self.claims, changes))
    }

    /// Without this claim, signed as the good one is.
    pub fn without(&self, claim: &str) -> String {
        let mut claims = self.claims.clone();
        claims.as_object_mut().expect("claims").remove(claim).expect("the claim");
        self.signed(&self.header, &claims)
    }

    /// Signed with the other key under this header.
    pub fn by_the_other_key(&self, changes: &Value) -> String {
        sign(&self.other_key, &RSA_PKCS1_SHA256, &changed(&self.header, changes), &self.claims)
    }

    /// Signed with the right key under another algorithm, which the header names.
    pub fn by_the_algorithm(&self, name: &str, algorithm: &'static dyn RsaEncoding) -> String {
        sign(&self.key, algorithm, &changed(&self.header, &json!({"alg": name})), &self.claims)
    }

    /// Under HS256 with what everyone may know, the public key, as its secret: taken by those
    /// who let the token choose the algorithm (RFC 8725, 2.1).
    pub fn by_the_public_key(&self, form: PublicKey) -> String {
        let public = self.key.public_key();
        let secret = match form {
            PublicKey::Modulus => RsaPublicKeyComponents::<Vec<u8>>::from(public).n,
            PublicKey::Der => public.as_ref().to_vec(),
            PublicKey::Pem => {
                let der: PublicKeyX509Der<'_> = public.as_der().expect("DER");
                let text = STANDARD.encode(der.as_ref());
                let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
                format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")).into()
            }
        };
        let message = unsigned(&changed(&self.header, &json!({"alg": "HS256"})), &self.claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The other key as a JSON Web Key under the good one's id.
    pub fn other_jwk(&self) -> Value {
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(self.other_key.public_key());
        json!({
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.header["kid"],
            "n": URL_SAFE_NO_PAD.encode(public.n), "e": URL_SAFE_NO_PAD.encode(public.e),
        })
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        sign(&self.key, &RSA_PKCS1_SHA256, header, claims)
    }
}

/// Forms in which a public key is known.
#[derive(Clone, Copy, Debug)]
pub enum PublicKey {
    /// Its modulus alone, as the key set has it.
    Modulus,
    /// PKCS #1.
    Der,
    /// What is in most files.
    Pem,
}

/// A token without a signature, and without the dot before it.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// `value` with other members.
pub fn changed(value: &Value, changes: &Value) -> Value {
    let mut value = value.clone();
    for (name, change) in changes.as_object().expect("changes") {
        value[name] = change.clone();
    }
    value
}

fn sign(key: &RsaKeyPair, algorithm: &'static dyn RsaEncoding, header: &Value, claims: &Value) -> String {
    let message = unsigned(header, claims);
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(algorithm, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("a signature");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
