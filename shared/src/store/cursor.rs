//! Cursors: where a page of a list ended, opaque to callers and signed, so
//! that one can't be made up, changed, or used on another list.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::StoreError;
use crate::domain::model::Secret;

/// Bytes of the signature kept: 128 bits of HMAC-SHA-256 (RFC 2104 allows
/// half the hash).
const TAG: usize = 16;

/// Signs and reads cursors.
#[derive(Clone, Debug)]
pub struct CursorKey(Secret);

impl CursorKey {
    /// A key that signs by `secret`.
    pub fn new(secret: &Secret) -> Self {
        Self(secret.clone())
    }

    /// The cursor for `place` in the list `scope` (its owner and filters).
    pub fn seal(&self, scope: &str, place: &str) -> String {
        let mut bytes = self.tag(scope, place).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that `cursor` names in the list `scope`.
    pub fn open(&self, scope: &str, cursor: &str) -> Result<String, StoreError> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| StoreError::Cursor)?;
        let (tag, place) = bytes.split_at_checked(TAG).ok_or(StoreError::Cursor)?;
        let place = std::str::from_utf8(place).map_err(|_| StoreError::Cursor)?;
        let expected = self.tag(scope, place);
        // Compared without stopping at the first difference.
        let differing = tag.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b));
        if differing == 0 { Ok(place.to_owned()) } else { Err(StoreError::Cursor) }
    }

    fn tag(&self, scope: &str, place: &str) -> [u8; TAG] {
        let mut tag = [0; TAG];
        // HMAC takes keys of any length, so this can't fail.
        if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.reveal().as_bytes()) {
            mac.update(&(scope.len() as u64).to_be_bytes());
            mac.update(scope.as_bytes());
            mac.update(place.as_bytes());
            tag.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(to, from)| *to = from);
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_on_its_own_list_only() {
        let key = CursorKey::new(&Secret::new("k".repeat(32)));
        let cursor = key.seal("drafts/ada", "2026#1");
        assert_eq!(key.open("drafts/ada", &cursor).unwrap(), "2026#1");
        assert!(key.open("drafts/bob", &cursor).is_err());
        assert!(CursorKey::new(&Secret::new("other")).open("drafts/ada", &cursor).is_err());
    }

    #[test]
    fn any_change_is_noticed() {
        let key = CursorKey::new(&Secret::new("k".repeat(32)));
        let cursor = key.seal("s", "place");
        for at in 0..cursor.len() {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(key.open("s", std::str::from_utf8(&bytes).unwrap()).is_err(), "byte {at}");
        }
        assert!(key.open("s", "").is_err());
        assert!(key.open("s", "not base64!").is_err());
    }
}
