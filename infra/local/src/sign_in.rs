//! The local identity provider: what Amazon Cognito is when deployed.
//!
//! It gives an access token to whoever asks, for any user name: for one machine, on loopback. Nothing that is
//! deployed links this crate; there, tokens come from Cognito and are verified in the same way.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};
use shared::auth::ADMINISTRATORS;
use shared::domain::time::Timestamp;
use uuid::Uuid;

/// The application that local tokens are for.
pub const CLIENT_ID: &str = "workshop";

/// In the data folder. Deleting it ends every token given so far; the next start makes a new key.
const KEY_FILE: &str = "sign-in-key.der";

/// Issues access tokens like Cognito's, signed with a key of this machine's own.
pub struct SignIn {
    /// The URL that tokens name as their issuer, without a slash at its end.
    pub issuer: String,
    /// The one user who is an administrator: the machine's own.
    administrator: Option<String>,
    key: RsaKeyPair,
    key_id: String,
    modulus: String,
    exponent: String,
}

impl SignIn {
    /// Reads the signing key from `data_dir`, which must exist, or makes one there on the first start.
    ///
    /// # Errors
    /// When the key file can't be read or written, or holds something else.
    pub fn open(data_dir: &Path, issuer: String) -> anyhow::Result<Self> {
        let key = load_or_generate(&data_dir.join(KEY_FILE))?;
        let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
        let (modulus, exponent) = (BASE64.encode(public.n), BASE64.encode(public.e));
        let key_id = thumbprint(&modulus, &exponent);
        Ok(Self { issuer, administrator: None, key, key_id, modulus, exponent })
    }

    /// The same with the machine's own user as its administrator: whoever runs the machine has its files anyway.
    /// Other names stand for other people, as whom one tries the workshop out.
    pub fn with_administrator(self, user: Option<String>) -> Self {
        Self { administrator: user, ..self }
    }

    /// The groups of a user, as `cognito:groups` names them.
    pub fn groups(&self, user: &str) -> Vec<&'static str> {
        let is_administrator = self.administrator.as_deref() == Some(user);
        is_administrator.then_some(ADMINISTRATORS).into_iter().collect()
    }

    /// The public key as a JSON Web Key Set (RFC 7517).
    pub fn key_set(&self) -> Value {
        json!({"keys": [{
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.key_id,
            "n": self.modulus, "e": self.exponent,
        }]})
    }

    /// The discovery document (OpenID Connect Discovery 1.0, section 3). No browser flow is offered, so the
    /// lists of response and grant types, which must be there, are empty.
    pub fn discovery(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "token_endpoint": format!("{issuer}/local/token"),
            "token_endpoint_auth_methods_supported": ["none"],
            "response_types_supported": [],
            "grant_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid"],
        })
    }

    /// An access token for `user`, with the claims of Cognito's. `token_id` tells tokens apart.
    ///
    /// # Errors
    /// When `user` is not 1 to 64 letters, digits and `. _ @ -`.
    pub fn access_token(
        &self,
        user: &str,
        issued_at: Timestamp,
        lifetime: Duration,
        token_id: Uuid,
    ) -> anyhow::Result<String> {
        ensure!(
            is_user_name(user),
            "A user name has 1 to 64 characters: letters, digits, and any of . _ @ -"
        );
        let expires_at =
            issued_at.plus_millis(i64::try_from(lifetime.as_millis()).context("the lifetime is too long")?);
        self.sign(&json!({
            "sub": user,
            "username": user,
            "iss": self.issuer,
            "client_id": CLIENT_ID,
            "token_use": "access",
            "scope": "openid",
            "cognito:groups": self.groups(user),
            "iat": issued_at.as_seconds(),
            "exp": expires_at.as_seconds(),
            "jti": token_id,
        }))
    }

    /// Signed here and not with `jsonwebtoken`, which reads private keys as PKCS #1 only, while aws-lc-rs
    /// writes PKCS #8 only. The form is RFC 7515, 3.1.
    fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let header = json!({"alg": "RS256", "kid": self.key_id, "typ": "JWT"});
        let message = format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .context("the token could not be signed")?;
        Ok(format!("{message}.{}", BASE64.encode(signature)))
    }
}

fn is_user_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// A key id that follows from the key (RFC 7638): the hash of its members in alphabetical order, unspaced.
fn thumbprint(modulus: &str, exponent: &str) -> String {
    let members = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
    BASE64.encode(digest::digest(&digest::SHA256, members.as_bytes()))
}

fn load_or_generate(path: &Path) -> anyhow::Result<RsaKeyPair> {
    match fs::read(path) {
        Ok(der) => RsaKeyPair::from_pkcs8(&der).with_context(|| {
            format!("{} is not a sign-in key. Delete it, and a new one is made.", path.display())
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => generate(path),
        Err(error) => Err(error).with_context(|| format!("{} can't be read", path.display())),
    }
}

/// Written beside and renamed, so that the file is never seen half written; named after the process, so that
/// two starting at once don't share it.
fn generate(path: &Path) -> anyhow::Result<RsaKeyPair> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).context("a sign-in key could not be made")?;
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .and_then(|mut file| {
            file.write_all(key.as_der().map_err(std::io::Error::other)?.as_ref())?;
            file.sync_all()?;
            fs::rename(&unfinished, path)
        });
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written.with_context(|| format!("{} can't be written", path.display()))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use shared::auth::{Expected, KeySet, TokenError, verify};

    use super::*;

    const ISSUER: &str = "http://127.0.0.1:9090";
    const HOUR: Duration = Duration::from_secs(3600);

    /// An empty folder, removed at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sign-in-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn open(&self) -> SignIn {
            SignIn::open(&self.0, ISSUER.to_owned()).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn now() -> Timestamp {
        "2026-11-21T09:30:00Z".parse().unwrap()
    }

    fn key_set(sign_in: &SignIn) -> KeySet {
        KeySet::parse(sign_in.key_set().to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_token_made_here_is_accepted_until_it_expires() {
        let folder = Folder::new("accepted");
        let sign_in = folder.open();
        let token = sign_in.access_token("ada", now(), HOUR, Uuid::nil()).unwrap();
        let expected = Expected { issuer: ISSUER, client_id: CLIENT_ID };

        let claims = verify(&token, &key_set(&sign_in), &expected, now()).unwrap();
        assert_eq!((claims.sub.as_str(), claims.username.as_deref()), ("ada", Some("ada")));
        assert_eq!(claims.scopes, ["openid"]);

        let later = now().plus_millis(2 * 3_600_000);
        assert_eq!(verify(&token, &key_set(&sign_in), &expected, later), Err(TokenError::Expired));
    }

    #[test]
    fn the_machines_own_user_is_its_one_administrator() {
        let folder = Folder::new("administrator");
        let sign_in = folder.open().with_administrator(Some("local".to_owned()));
        let expected = Expected { issuer: ISSUER, client_id: CLIENT_ID };
        let groups = |user| {
            let token = sign_in.access_token(user, now(), HOUR, Uuid::nil()).unwrap();
            verify(&token, &key_set(&sign_in), &expected, now()).unwrap().groups
        };
        assert_eq!(groups("local"), [ADMINISTRATORS]);
        assert!(groups("ada").is_empty());
    }

    #[test]
    fn a_token_outlives_a_restart_but_not_its_key() {
        let folder = Folder::new("restart");
        let expected = Expected { issuer: ISSUER, client_id: CLIENT_ID };
        let token = folder.open().access_token("ada", now(), HOUR, Uuid::nil()).unwrap();
        assert!(verify(&token, &key_set(&folder.open()), &expected, now()).is_ok());

        fs::remove_file(folder.0.join(KEY_FILE)).unwrap();
        assert_eq!(verify(&token, &key_set(&folder.open()), &expected, now()), Err(TokenError::UnknownKey));
    }

    #[test]
    fn only_the_owner_can_read_the_key_and_nothing_else_is_left_in_the_folder() {
        let folder = Folder::new("owner");
        folder.open();
        let files: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap()).collect();
        assert_eq!(files.iter().map(|file| file.file_name()).collect::<Vec<_>>(), [KEY_FILE]);
        assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_key_is_named_and_kept() {
        let folder = Folder::new("damaged");
        let path = folder.0.join(KEY_FILE);
        fs::write(&path, b"not a key").unwrap();
        let error = SignIn::open(&folder.0, ISSUER.to_owned()).err().unwrap();
        assert!(error.to_string().contains("sign-in-key.der is not a sign-in key"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"not a key");
    }

    #[test]
    fn a_user_name_that_could_mean_something_else_is_refused() {
        let folder = Folder::new("names");
        let sign_in = folder.open();
        let token = |user: &str| sign_in.access_token(user, now(), HOUR, Uuid::nil());
        for name in ["a", "ada.lovelace@example.org", "Ada_1-x", &"a".repeat(64)] {
            assert!(token(name).is_ok(), "{name}");
        }
        for name in ["", " ada", "ada#1", "DRAFT/1", "ada\n", "adé", &"a".repeat(65)] {
            assert!(token(name).is_err(), "{name}");
        }
    }

    /// The example of RFC 7638, 3.1.
    #[test]
    fn a_key_id_is_the_keys_thumbprint() {
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1\
                       L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4\
                       QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO\
                       pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF\
                       Cur-kEgU8awapJzKnqDKgw";
        assert_eq!(thumbprint(modulus, "AQAB"), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_discovery_document_leads_to_the_keys() {
        let folder = Folder::new("discovery");
        let discovery = folder.open().discovery();
        assert_eq!(discovery["issuer"], ISSUER);
        assert_eq!(discovery["jwks_uri"], "http://127.0.0.1:9090/.well-known/jwks.json");
        assert_eq!(discovery["token_endpoint"], "http://127.0.0.1:9090/local/token");
    }
}
