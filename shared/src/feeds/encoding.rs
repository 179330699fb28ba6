//! Bytes of a feed → text, whatever its encoding is said to be.
//!
//! What is declared is often wrong, and a wrong letter is better than a lost
//! feed: nothing here fails.

use std::borrow::Cow;

use encoding_rs::{Encoding, ISO_2022_JP, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The text of `bytes`. `content_type` is the HTTP header.
///
/// In this order: a byte order mark; the zeros that only UTF-16 has beside its
/// first character; UTF-8, when that is what the bytes are (text in another
/// encoding hardly ever is by chance); what HTTP says, then what the XML
/// declaration says (RFC 7303, section 3); and for text that is called UTF-8
/// but isn't, Windows-1252, or UTF-8 with a few broken letters.
pub(super) fn decode<'b>(bytes: &'b [u8], content_type: Option<&str>) -> Cow<'b, str> {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0;
    }
    match bytes {
        [0, b'<' | b'{', ..] => return UTF_16BE.decode_without_bom_handling(bytes).0,
        [b'<' | b'{', 0, ..] => return UTF_16LE.decode_without_bom_handling(bytes).0,
        _ => {}
    }
    let declared = [content_type.and_then(charset), declaration(bytes)];
    let declared = declared.into_iter().flatten().filter_map(|label| Encoding::for_label(label.as_bytes()));
    let mut declared = declared.filter(|encoding| ![UTF_8, UTF_16BE, UTF_16LE].contains(encoding));
    let first = declared.next();
    if let Ok(text) = str::from_utf8(bytes)
        // Seven bits a byte, so it looks like ASCII.
        && first != Some(ISO_2022_JP)
    {
        return Cow::Borrowed(text);
    }
    match first {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0,
        None => broken_utf8(bytes),
    }
}

fn broken_utf8(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    let broken = text.matches(char::REPLACEMENT_CHARACTER).count();
    let letters = text.chars().filter(|c| !c.is_ascii()).count() - broken;
    if letters >= broken { text } else { WINDOWS_1252.decode_without_bom_handling(bytes).0 }
}

/// The charset parameter of a `Content-Type`.
fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// The encoding of an XML declaration.
fn declaration(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().take(200).position(|byte| *byte == b'>')?;
    let declaration = str::from_utf8(bytes.get(..end)?).ok()?.trim_start().strip_prefix("<?xml")?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    value.split(quote).nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xml(encoding: &str, text: &[u8]) -> Vec<u8> {
        let declaration = format!("<?xml version='1.0' encoding=\"{encoding}\"?><rss>");
        [declaration.as_bytes(), text, b"</rss>"].concat()
    }

    fn text(bytes: &[u8], content_type: Option<&str>) -> String {
        let text = decode(bytes, content_type).into_owned();
        let text = text.split_once("<rss>").unwrap().1;
        text.strip_suffix("</rss>").unwrap().to_owned()
    }

    #[test]
    fn what_is_declared_is_used() {
        assert_eq!(text(&xml("windows-1252", b"caf\xe9 \x80"), None), "café €");
        assert_eq!(text(&xml("ISO-8859-2", b"\xe8e\xb9tina"), None), "čeština");
        assert_eq!(text(&xml("Shift_JIS", b"\x93\xfa\x96\x7b"), None), "日本");
        assert_eq!(text(&xml("ISO-2022-JP", b"\x1b$BF|K\\\x1b(B"), None), "日本");
        assert_eq!(text(b"<rss>\xe8</rss>", Some("text/xml; Charset=\"iso-8859-2\"")), "č");
    }

    #[test]
    fn http_is_believed_before_the_document() {
        let bytes = xml("windows-1252", b"\xe8");
        assert_eq!(text(&bytes, Some("application/rss+xml; charset=iso-8859-2")), "č");
    }

    #[test]
    fn utf8_is_known_whatever_is_declared() {
        let bytes = xml("ISO-8859-1", "café".as_bytes());
        assert_eq!(text(&bytes, Some("text/xml; charset=us-ascii")), "café");
        assert_eq!(text(&xml("utf-16", "café".as_bytes()), None), "café");
        assert_eq!(text(&xml("klingon", "café".as_bytes()), None), "café");
    }

    #[test]
    fn latin_letters_declared_as_utf8_are_not_lost() {
        let bytes = xml("UTF-8", b"caf\xe9 d\xe9j\xe0 vu \x93quoted\x94");
        assert_eq!(text(&bytes, Some("text/xml; charset=utf-8")), "café déjà vu “quoted”");
    }

    #[test]
    fn one_broken_letter_does_not_spoil_the_others() {
        let bytes = xml("UTF-8", b"\xc4\x8de\xc5\xa1tina, \xe9");
        assert_eq!(text(&bytes, None), "čeština, \u{fffd}");
    }

    #[test]
    fn utf16_is_known_with_and_without_its_mark() {
        let units: Vec<u16> = "<rss>čeština</rss>".encode_utf16().collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        for bytes in [&big, &little, &[b"\xfe\xff", &big[..]].concat(), &[b"\xff\xfe", &little[..]].concat()]
        {
            assert_eq!(text(bytes, None), "čeština");
        }
        assert_eq!(text(b"\xef\xbb\xbf<rss>\xc4\x8d</rss>", None), "č");
    }

    #[test]
    fn declarations_that_cannot_be_read_are_passed_over() {
        for odd in
            [&b""[..], b"<", b"<?xml", b"<?xml encoding=utf-8 ?>", b"<?xml encoding=\"?>", b"\xff\xfe", b"\0"]
        {
            let _ = decode(odd, Some("text/xml; charset"));
        }
    }
}
