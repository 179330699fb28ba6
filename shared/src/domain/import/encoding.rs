//! Which encoding a file is in, and its text as UTF-8 while it comes in pieces.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// The encoding of a file that begins so.
pub(super) fn of(head: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return encoding;
    }
    if let Some(encoding) = utf_16(head) {
        return encoding;
    }
    let (mut letters, mut broken) = (0_usize, 0_usize);
    for chunk in head.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // One is where the head is cut. ISO-2022-JP is ASCII with escapes.
    let has_escapes = head.windows(2).any(|pair| pair == b"\x1b$");
    if broken <= usize::from(letters > 0) && !has_escapes || letters > broken {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(head, true);
    detector.guess(None, Utf8Detection::Deny)
}

/// UTF-16 without a byte order mark: the other half of each ASCII character is zero.
fn utf_16(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = head.len() / 8;
    if many > 0 && odd > many && even < odd / 16 + 1 {
        Some(UTF_16LE)
    } else if many > 0 && even > many && odd < even / 16 + 1 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// The text of a file's head, as far as it is whole.
pub(super) fn text(head: &[u8], encoding: &'static Encoding) -> String {
    encoding.decode(head).0.into_owned()
}

/// A file in another encoding than UTF-8, as UTF-8.
///
/// It is decoded in steps that end where a record may: at an end of a line or a closing bracket. Only there is it known how
/// many bytes of the file are behind a record.
pub(super) struct Transcoder {
    decoder: Decoder,
    is_wide: bool,
    is_big_endian: bool,
    /// Bytes of the file that were decoded.
    pub taken: u64,
    /// The first half of a character of UTF-16.
    half: Option<u8>,
    text: String,
    /// How much of the text was passed on.
    at: usize,
    /// Bytes of UTF-8 that were passed on, in the records' count.
    pub passed: u64,
}

impl Transcoder {
    /// Reads on behind so many bytes of the file.
    pub fn new(encoding: &'static Encoding, offset: u64) -> Self {
        Self {
            decoder: encoding.new_decoder_without_bom_handling(),
            is_wide: encoding == UTF_16LE || encoding == UTF_16BE,
            is_big_endian: encoding == UTF_16BE,
            taken: offset,
            half: None,
            text: String::new(),
            at: 0,
            passed: offset,
        }
    }

    /// Decodes the next step of `input`, once the one before was passed on; false when `input` is used up.
    pub fn step(&mut self, input: &mut &[u8]) -> bool {
        if !self.rest().is_empty() {
            return true;
        }
        if input.is_empty() {
            return false;
        }
        let length = self.length(input);
        let (step, rest) = input.split_at_checked(length).unwrap_or((input, &[]));
        *input = rest;
        self.taken += step.len() as u64;
        self.decode(step, false);
        true
    }

    /// Decodes what the file's end leaves, once; false when that is nothing.
    pub fn finish(&mut self) -> bool {
        if self.rest().is_empty() {
            self.decode(&[], true);
        }
        !self.rest().is_empty()
    }

    /// What was decoded and not passed on.
    pub fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Passes so many bytes on.
    pub fn pass(&mut self, bytes: usize) {
        self.at += bytes;
        self.passed += bytes as u64;
    }

    fn decode(&mut self, step: &[u8], is_last: bool) {
        self.text.clear();
        self.at = 0;
        let needed = self.decoder.max_utf8_buffer_length(step.len()).unwrap_or(0);
        self.text.reserve(needed);
        let _ = self.decoder.decode_to_string(step, &mut self.text, is_last);
        if is_last {
            // A decoder that has ended can't be asked again.
            self.decoder = UTF_8.new_decoder_without_bom_handling();
        }
    }

    /// How long the step is with which `input` begins.
    fn length(&mut self, input: &[u8]) -> usize {
        /// So that what is decoded at once stays small.
        const STEP_MAX: usize = 65_536;
        let is_end = |byte: u8| matches!(byte, b'\n' | b'\r' | b'}' | b']');
        let input = input.get(..STEP_MAX).unwrap_or(input);
        if !self.is_wide {
            return input.iter().position(|byte| is_end(*byte)).map_or(input.len(), |at| at + 1);
        }
        for (at, byte) in input.iter().enumerate() {
            match self.half.take() {
                None => self.half = Some(*byte),
                Some(first) => {
                    let (high, low) = if self.is_big_endian { (first, *byte) } else { (*byte, first) };
                    if high == 0 && is_end(low) {
                        return at + 1;
                    }
                }
            }
        }
        input.len()
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GBK, ISO_2022_JP, SHIFT_JIS, WINDOWS_1251, WINDOWS_1252};

    use super::*;

    const GERMAN: &str = "Überschrift;Link\nBörsenkurse für Bäcker fallen;https://a.example/1\n";

    #[test]
    fn an_encoding_is_told_by_the_bytes() {
        let wide = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        assert_eq!(of(GERMAN.as_bytes()), UTF_8);
        assert_eq!(of(b"title,url\n"), UTF_8);
        assert_eq!(of(&wide(GERMAN, u16::to_le_bytes)), UTF_16LE);
        assert_eq!(of(&wide(&format!("\u{feff}{GERMAN}"), u16::to_le_bytes)), UTF_16LE);
        assert_eq!(of(&wide(GERMAN, u16::to_be_bytes)), UTF_16BE);
        for (encoding, text) in [
            (WINDOWS_1252, GERMAN),
            (WINDOWS_1252, "Titre;Lien\nL’Élysée répond à la Commission européenne;https://a.example\n"),
            (
                WINDOWS_1251,
                "Заголовок;Ссылка\nРегулятор заявил во вторник о новых правилах;https://a.example\n",
            ),
            (SHIFT_JIS, "見出し,リンク\n規制当局は火曜日に新しい規則を発表した,https://a.example\n"),
            (GBK, "标题,链接\n监管机构周二宣布了新的规定,https://a.example\n"),
            (ISO_2022_JP, "見出し,リンク\n規制当局は火曜日に発表した,https://a.example\n"),
        ] {
            assert_eq!(of(&encoding.encode(text).0), encoding, "{text}");
        }
        // One line that is broken makes no other file of it.
        let mut broken = GERMAN.repeat(20).into_bytes();
        broken.extend(b"Caf\xe9;https://a.example/2\n");
        assert_eq!(of(&broken), UTF_8);
    }
}
