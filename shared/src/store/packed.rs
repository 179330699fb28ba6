//! Long texts, packed (DEFLATE, RFC 1951): DynamoDB charges a write by the
//! kilobyte, and prose takes half its size. An autosave of 4,096 letters takes
//! five write units instead of seven.
//!
//! An attribute that is packed is binary, one that isn't is a string, and both
//! are read: a short text is kept as it is, and so is what was written before.

use std::cell::RefCell;
use std::io::Read;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::{Item, StoreError, keys};
use crate::domain::draft::CONTENT_MAX;

/// Bytes from which on a text is packed: below, there is no unit to be saved.
const WORTHWHILE: usize = 1_024;
/// Bytes that a text may have: four for each of its characters.
const MOST: u64 = 4 * CONTENT_MAX as u64;

/// Where an item that is nothing but a text has it.
const CONTENT: &str = "content";

/// An item that is nothing but a text.
pub(super) fn item(key: &keys::Key, text: &str) -> Item {
    let mut item = key.item();
    item.insert(CONTENT.to_owned(), packed(text));
    item
}

/// The text of an item that is nothing else.
pub(super) fn text_of(mut item: Item) -> Result<String, StoreError> {
    unpack(&mut item, CONTENT)?;
    match item.remove(CONTENT) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(StoreError::Broken("a text's item has no text".to_owned())),
    }
}

/// The attribute that keeps `text`.
pub(super) fn packed(text: &str) -> AttributeValue {
    match deflated(text) {
        Some(bytes) => AttributeValue::B(Blob::new(bytes)),
        None => AttributeValue::S(text.to_owned()),
    }
}

/// Packs an attribute of an item that is to be written.
pub(super) fn pack(item: &mut Item, attribute: &str) {
    if let Some(value) = item.get_mut(attribute)
        && let AttributeValue::S(text) = value
    {
        *value = packed(text);
    }
}

/// Unpacks an attribute of an item that was read.
pub(super) fn unpack(item: &mut Item, attribute: &str) -> Result<(), StoreError> {
    if let Some(value) = item.get_mut(attribute)
        && let AttributeValue::B(bytes) = value
    {
        let mut text = String::new();
        DeflateDecoder::new(bytes.as_ref())
            .take(MOST)
            .read_to_string(&mut text)
            .map_err(|error| StoreError::Broken(format!("a packed text can't be read: {error}")))?;
        *value = AttributeValue::S(text);
    }
    Ok(())
}

thread_local! {
    /// Kept from one text to the next: making one writes 400 KB of zeros. Of its levels, this is the fastest that
    /// fits its Huffman codes to the text: the one below leaves half as much again.
    static PACKER: RefCell<Compress> = RefCell::new(Compress::new(Compression::new(2), false));
}

/// `text` packed, where that pays and makes it shorter.
fn deflated(text: &str) -> Option<Vec<u8>> {
    if text.len() < WORTHWHILE {
        return None;
    }
    PACKER.with_borrow_mut(|packer| {
        packer.reset();
        let mut bytes = Vec::with_capacity(text.len());
        let status = packer.compress_vec(text.as_bytes(), &mut bytes, FlushCompress::Finish).ok()?;
        (status == Status::StreamEnd).then_some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> (AttributeValue, String) {
        let mut item = Item::from([("text".to_owned(), AttributeValue::S(text.to_owned()))]);
        pack(&mut item, "text");
        let as_written = item["text"].clone();
        unpack(&mut item, "text").expect("it can be read");
        (as_written, item["text"].as_s().expect("a string").clone())
    }

    #[test]
    fn a_long_text_takes_half_its_size_and_comes_back_as_it_was() {
        let text = include_str!("../domain/draft.rs");
        let (written, read) = kept(text);
        assert!(written.as_b().expect("packed").as_ref().len() * 2 < text.len());
        assert_eq!(read, text);
    }

    #[test]
    fn the_longest_text_comes_back_whole() {
        let text = "\u{1F4F0}".repeat(CONTENT_MAX);
        assert_eq!(text.len() as u64, MOST);
        assert!(kept(&text).1 == text);
    }

    #[test]
    fn a_text_is_packed_the_same_whatever_was_packed_before_it() {
        let text = include_str!("../domain/draft.rs");
        let first = kept(text);
        assert_eq!(kept(include_str!("runs.rs")).1, include_str!("runs.rs"));
        assert_eq!(kept(text), first);
    }

    #[test]
    fn a_short_text_is_kept_as_it_is() {
        assert!(kept("You are an analyst.").0.is_s());
    }

    #[test]
    fn what_is_no_packed_text_is_an_error() {
        let mut item = Item::from([("text".to_owned(), AttributeValue::B(Blob::new(*b"no such thing")))]);
        assert!(matches!(unpack(&mut item, "text"), Err(StoreError::Broken(_))));
    }
}
