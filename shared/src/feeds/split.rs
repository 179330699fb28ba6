//! Takes the XML of a feed apart: each entry becomes a small document of its
//! own, well-formed and with nothing in it but what an article is made of.
//!
//! `feed-rs` reads those. It is not given the whole, because with a document
//! from anyone (seen with 3.0.0) it loses all entries by one that is broken,
//! needs memory by the count of entries, and panics or recurses without end in
//! parts that are not needed here: people's names, media, podcasts.
//!
//! What publishers commonly get wrong is mended on the way: a bare `&`,
//! references to characters that don't exist, tags that don't match, HTML that
//! is not escaped, namespaces that are not declared, versions of RSS that
//! differ in name only.

use quick_xml::Reader;
use quick_xml::escape::{escape, unescape};
use quick_xml::events::{BytesRef, BytesStart, Event};

/// A longer start tag than any feed needs is read without its attributes.
const TAG_MAX: usize = 4_096;

/// More elements of an entry, or of the feed itself, are passed over: each
/// takes memory, and an article has use for a few dozen.
const ELEMENTS_MAX: usize = 200;
/// As much of an element's text is kept, in bytes of XML.
const TEXT_MAX: usize = 1_000_000;

const ATOM: &str = "http://www.w3.org/2005/Atom";
const CONTENT: &str = "http://purl.org/rss/1.0/modules/content/";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";
/// Media RSS (rssboard.org/media-rss); publishers leave its last slash out.
const MEDIA: &str = "http://search.yahoo.com/mrss";
const RSS_1: &str = "http://purl.org/rss/1.0/";
/// Other names of what is the same: RSS 0.90, and RSS 2.0 with a namespace.
const RSS_ALIASES: [&str; 4] = [
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://channel.netscape.com/rdf/simple/0.9/",
    "http://backend.userland.com/rss2",
    "http://blogs.law.harvard.edu/tech/rss",
];

/// The XML has another root than a feed has.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAFeed;

/// What is left of a feed without its entries.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// A feed with no entries.
    pub xml: String,
    /// The document goes on to its end.
    pub whole: bool,
    /// How many entries came after those that were wanted.
    pub left_out: usize,
}

/// One entry.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// A feed with this one entry.
    pub xml: String,
    /// What the entry says of where it was first published.
    pub source: String,
    /// Its Dublin Core subjects, which stand for categories.
    pub subjects: Vec<String>,
    /// What Media RSS says of it, as YouTube does, and whether that is HTML.
    pub described: String,
    pub is_described_in_html: bool,
    /// Its page, as an RSS entry names it by Atom's link.
    pub page: Option<String>,
    /// The recording that it is about: a podcast's episode often has no page.
    pub recording: Option<String>,
    /// The document goes on after it.
    pub whole: bool,
    /// Atom says which of its texts are HTML; RSS doesn't.
    pub is_atom: bool,
}

/// Hands the first `wanted` entries of `xml` to `take` as they come.
///
/// # Errors
/// [`NotAFeed`], before any entry.
pub(super) fn split(xml: &str, wanted: usize, mut take: impl FnMut(Piece)) -> Result<Head, NotAFeed> {
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    config.allow_dangling_amp = true;
    let mut splitter: Option<Splitter> = None;
    loop {
        let event = reader.read_event();
        let Some(splitter) = &mut splitter else {
            match event {
                Ok(Event::Start(root)) => splitter = Some(Splitter::new(&root, wanted).ok_or(NotAFeed)?),
                Ok(Event::Eof) | Err(_) => return Err(NotAFeed),
                Ok(_) => {}
            }
            continue;
        };
        match event {
            Ok(Event::Start(tag)) => {
                if let Some(piece) = splitter.start(&tag) {
                    take(piece);
                }
            }
            Ok(Event::End(tag)) => {
                if let Some(piece) = splitter.end(tag.name().as_ref()) {
                    take(piece);
                }
            }
            Ok(Event::Text(text)) => splitter.text(&mended(&text)),
            Ok(Event::CData(text)) => splitter.literal(&text),
            Ok(Event::GeneralRef(reference)) => splitter.text(&existing(&reference)),
            Ok(Event::Eof) | Err(_) => {
                splitter.entry.iter_mut().for_each(|entry| entry.piece.whole = false);
                splitter.close_entry().into_iter().for_each(take);
                return Ok(splitter.head());
            }
            Ok(_) => {}
        }
    }
}

/// What the reader takes for text can begin with a `&` that refers to nothing.
fn mended(text: &str) -> String {
    text.replace('&', "&amp;")
}

/// The reference as it stands, unless it is to a character that doesn't exist.
fn existing(reference: &BytesRef<'_>) -> String {
    match reference.resolve_char_ref() {
        Ok(Some('\0')) | Err(_) => String::new(),
        Ok(Some(c)) => escape(c.encode_utf8(&mut [0; 4]) as &str).into_owned(),
        Ok(None) if reference.chars().all(|c| c.is_ascii_alphanumeric()) => format!("&{};", &**reference),
        Ok(None) => format!("&amp;{};", escape(&**reference)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Rss,
    Rdf,
    Atom,
}

/// Which vocabulary an element belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    /// That of the feed itself.
    Own,
    Atom,
    Content,
    DublinCore,
    Media,
    Other,
}

/// What becomes of an element of the feed or of an entry.
enum Use {
    /// Nothing of it is needed.
    Skip,
    /// It goes into the document.
    Keep,
    /// Its text is kept apart.
    Source,
    Subject,
    Described,
    /// An address of it is kept apart, of these.
    Page,
    Recording,
    /// What is in it counts as if it stood outside.
    Open,
}

/// What encloses the elements that come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Feed,
    Entry,
    /// What an Atom entry says of the feed that it was copied from.
    Source,
}

/// An element that is open within the feed or an entry.
struct Element {
    name: String,
    used: Use,
    /// How many elements of its own name are open in it.
    nested: usize,
    /// How many bytes it can still take.
    room: usize,
}

/// An entry that is open.
struct Entry {
    name: String,
    piece: Piece,
    in_source: bool,
}

struct Splitter {
    format: Format,
    root_name: String,
    /// The start tags that an entry stands in.
    opening: String,
    /// The end tags for them.
    closing: String,
    in_channel: bool,
    /// Prefixes that the root declares, with their namespaces.
    prefixes: Vec<(String, String)>,
    /// What the feed says of itself.
    about: String,
    whole: bool,
    wanted: usize,
    left_out: usize,
    entry: Option<Entry>,
    element: Option<Element>,
    /// How many elements of the entry, or of the feed, are in use.
    elements: usize,
}

impl Splitter {
    /// None when `root` is not that of a feed.
    fn new(root: &BytesStart<'_>, wanted: usize) -> Option<Self> {
        let format = match root.local_name().as_ref() {
            "rss" => Format::Rss,
            "RDF" => Format::Rdf,
            "feed" => Format::Atom,
            _ => return None,
        };
        let root_name = root.name().as_ref().to_owned();
        let mut opening = format!("<{root_name}");
        let mut prefixes = Vec::new();
        let mut attribute = |name: &str, value: &str| {
            opening.push_str(&format!(" {name}=\"{}\"", value.replace('"', "&quot;").replace('<', "&lt;")));
        };
        let attributes = root.attributes().take(if root.len() > TAG_MAX { 0 } else { usize::MAX });
        for (name, value) in attributes.flatten().map(|attribute| (attribute.key, attribute.value)) {
            let name = name.as_ref();
            let value = if RSS_ALIASES.contains(&&*value) { RSS_1 } else { &*value };
            if let Some(prefix) = name.strip_prefix("xmlns:") {
                prefixes.push((prefix.to_owned(), value.to_owned()));
            }
            if name != "version" {
                attribute(name, value);
            }
        }
        for (prefix, namespace) in [("content", CONTENT), ("dc", DUBLIN_CORE), ("atom", ATOM)] {
            if prefixes.iter().all(|(declared, _)| declared != prefix) {
                prefixes.push((prefix.to_owned(), namespace.to_owned()));
                attribute(&format!("xmlns:{prefix}"), namespace);
            }
        }
        if format == Format::Rss {
            attribute("version", "2.0");
        }
        opening.push('>');
        if prefixes.iter().all(|(declared, _)| declared != "media") {
            prefixes.push(("media".to_owned(), MEDIA.to_owned()));
        }
        Some(Self {
            format,
            closing: format!("</{root_name}>"),
            root_name,
            opening,
            in_channel: false,
            prefixes,
            about: String::new(),
            whole: false,
            wanted,
            left_out: 0,
            entry: None,
            element: None,
            elements: 0,
        })
    }

    fn vocabulary(&self, prefix: Option<&str>) -> Vocabulary {
        let Some(prefix) = prefix else { return Vocabulary::Own };
        let declared = self.prefixes.iter().find(|(declared, _)| declared == prefix);
        match declared.map(|(_, namespace)| namespace.as_str()) {
            Some(ATOM) if self.format == Format::Atom => Vocabulary::Own,
            Some(ATOM) => Vocabulary::Atom,
            Some(RSS_1) => Vocabulary::Own,
            Some(CONTENT) => Vocabulary::Content,
            Some(DUBLIN_CORE) => Vocabulary::DublinCore,
            Some(media) if media.trim_end_matches('/') == MEDIA => Vocabulary::Media,
            _ => Vocabulary::Other,
        }
    }

    /// A start tag; it ends an entry whose end tag was forgotten.
    fn start(&mut self, tag: &BytesStart<'_>) -> Option<Piece> {
        let (local, prefix) = tag.name().decompose();
        let (local, vocabulary) =
            (local.into_inner(), self.vocabulary(prefix.map(|prefix| prefix.into_inner())));
        let entry_name = if self.format == Format::Atom { "entry" } else { "item" };
        if vocabulary == Vocabulary::Own && local == entry_name {
            let before = self.close_entry();
            self.open_entry(tag);
            return before;
        }
        if let Some(element) = &mut self.element {
            element.nested += usize::from(element.name == tag.name().as_ref());
            self.markup("", tag);
            return None;
        }
        let within = match &self.entry {
            None => Within::Feed,
            Some(Entry { in_source: false, .. }) => Within::Entry,
            Some(_) => Within::Source,
        };
        match (within, local) {
            (Within::Feed, "channel") if self.format != Format::Atom => self.open_channel(tag),
            (Within::Entry, "source") if self.format == Format::Atom => {
                self.entry.iter_mut().for_each(|entry| entry.in_source = true);
            }
            _ => match part(within, vocabulary, local, tag) {
                Use::Open => {}
                used => self.open_element(tag, used),
            },
        }
        None
    }

    /// An end tag.
    fn end(&mut self, name: &str) -> Option<Piece> {
        if self.entry.as_ref().is_some_and(|entry| entry.name == name) {
            return self.close_entry();
        }
        match (&mut self.element, &mut self.entry) {
            (Some(element), _) if element.name == name && element.nested == 0 => self.close_element(),
            (Some(element), _) => {
                element.nested -= usize::from(element.name == name);
                self.markup("/", name);
            }
            (None, Some(entry)) => entry.in_source &= !name.ends_with("source"),
            (None, None) => self.whole |= name == self.root_name,
        }
        None
    }

    fn open_entry(&mut self, tag: &BytesStart<'_>) {
        if self.wanted == 0 {
            self.left_out += 1;
            return self.open_element(tag, Use::Skip);
        }
        self.wanted -= 1;
        let xml = format!("{}{}", self.opening, start_tag(tag));
        let is_atom = self.format == Format::Atom;
        let piece = Piece { xml, is_atom, whole: true, ..Piece::default() };
        self.elements = 0;
        self.entry = Some(Entry { name: tag.name().as_ref().to_owned(), piece, in_source: false });
    }

    fn open_channel(&mut self, tag: &BytesStart<'_>) {
        if self.format == Format::Rss && !self.in_channel {
            self.in_channel = true;
            self.opening.push_str(&start_tag(tag));
            self.closing = format!("</{}>{}", tag.name().as_ref(), self.closing);
        }
    }

    fn open_element(&mut self, tag: &BytesStart<'_>, used: Use) {
        self.elements += usize::from(!matches!(used, Use::Skip));
        let used = if self.elements > ELEMENTS_MAX { Use::Skip } else { used };
        match (&used, &mut self.entry) {
            (Use::Keep, _) => {
                let is_text = matches!(tag.local_name().as_ref(), "title" | "summary" | "content");
                let is_atom = self.format == Format::Atom;
                let tag = if is_text && is_atom { text_tag(tag) } else { start_tag(tag) };
                self.target().push_str(&tag);
            }
            (Use::Subject, Some(entry)) => entry.piece.subjects.push(String::new()),
            (Use::Described, Some(entry)) if entry.piece.described.is_empty() => {
                entry.piece.is_described_in_html = attribute(tag, "type").as_deref() == Some("html");
            }
            (Use::Page, Some(Entry { piece, .. })) if piece.page.is_none() => {
                piece.page = attribute(tag, "href");
            }
            (Use::Recording, Some(Entry { piece, .. })) if piece.recording.is_none() => {
                piece.recording = attribute(tag, "url");
            }
            _ => {}
        }
        // Of several descriptions the first counts.
        let is_told = self.entry.as_ref().is_some_and(|entry| !entry.piece.described.is_empty());
        let used = if matches!(used, Use::Described) && is_told { Use::Skip } else { used };
        self.element =
            Some(Element { name: tag.name().as_ref().to_owned(), used, nested: 0, room: TEXT_MAX });
    }

    /// Text of the element that is open, escaped.
    fn text(&mut self, escaped: &str) {
        let Some(Element { used, room, .. }) = &mut self.element else { return };
        let escaped = start_of(escaped, room);
        let apart = match (used, &mut self.entry) {
            (Use::Keep, _) => return self.target().push_str(escaped),
            (Use::Source, Some(entry)) => Some(&mut entry.piece.source),
            (Use::Subject, Some(entry)) => entry.piece.subjects.last_mut(),
            (Use::Described, Some(entry)) => Some(&mut entry.piece.described),
            _ => None,
        };
        if let Some(apart) = apart {
            apart.push_str(&unescape(escaped).unwrap_or(escaped.into()));
        }
    }

    /// Text of the element that is open, from a CDATA section.
    fn literal(&mut self, text: &str) {
        match &mut self.element {
            // Escaped, it could be several times as long.
            Some(Element { used: Use::Keep, room, .. }) => {
                let text = start_of(text, room);
                for part in ["<![CDATA[", text, "]]>"] {
                    self.target().push_str(part);
                }
            }
            Some(Element { used: Use::Source | Use::Subject | Use::Described, .. }) => {
                self.text(&escape(text))
            }
            _ => {}
        }
    }

    /// A tag within the element that is open: to an article it is text.
    fn markup(&mut self, slash: &str, tag: &str) {
        if let Some(Element { used: Use::Keep, room: 1.., .. }) = self.element {
            self.text(&format!("&lt;{slash}{}&gt;", escape(tag)));
        }
    }

    fn target(&mut self) -> &mut String {
        self.entry.as_mut().map_or(&mut self.about, |entry| &mut entry.piece.xml)
    }

    fn close_element(&mut self) {
        if let Some(Element { name, used: Use::Keep, .. }) = self.element.take() {
            self.target().push_str(&format!("</{name}>"));
        }
    }

    /// Also closes an element that was forgotten.
    fn close_entry(&mut self) -> Option<Piece> {
        self.close_element();
        let Entry { name, mut piece, .. } = self.entry.take()?;
        piece.xml.push_str(&format!("</{name}>{}", self.closing));
        Some(piece)
    }

    fn head(&mut self) -> Head {
        self.close_element();
        let about = match self.format {
            // There, the channel is beside the entries and not around them.
            Format::Rdf => format!("<channel xmlns=\"{RSS_1}\">{}</channel>", self.about),
            Format::Rss | Format::Atom => self.about.clone(),
        };
        Head {
            xml: format!("{}{about}{}", self.opening, self.closing),
            whole: self.whole,
            left_out: self.left_out,
        }
    }
}

/// What an attribute of a tag says.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    if tag.len() > TAG_MAX {
        return None;
    }
    let value = tag.try_get_attribute(name).ok().flatten()?.value;
    Some(unescape(&value).map_or_else(|_| value.to_string(), |value| value.into_owned()))
}

/// Whether a file of this media type, if one is told, is something to hear or to see, and not a picture beside a text.
pub(super) fn is_recording(kind: Option<String>) -> bool {
    kind.is_none_or(|kind| kind.starts_with("audio/") || kind.starts_with("video/"))
}

/// What becomes of an element.
fn part(within: Within, vocabulary: Vocabulary, local: &str, tag: &BytesStart<'_>) -> Use {
    use Vocabulary::{Atom, Content, DublinCore, Media, Own};
    let attribute = |name| attribute(tag, name);
    match (within, vocabulary, local) {
        (Within::Feed, Own, "title" | "link" | "language" | "ttl") => Use::Keep,
        (Within::Feed, DublinCore, "language") | (Within::Feed, Atom, "link") => Use::Keep,
        (Within::Feed, ..) => Use::Skip,

        // A name and no address, whatever it looks like.
        (Within::Entry, Own, "guid") if attribute("isPermaLink").as_deref() == Some("false") => Use::Skip,
        // An address of the content, which is not fetched.
        (Within::Entry, Own, "content") if attribute("src").is_some() => Use::Skip,
        (Within::Entry, Own, "title" | "link" | "description" | "summary" | "content") => Use::Keep,
        (Within::Entry, Own, "guid" | "id" | "category") => Use::Keep,
        (Within::Entry, Own, "pubDate" | "published" | "updated") => Use::Keep,
        (Within::Entry, Atom, "updated") => Use::Keep,
        (Within::Entry, Content, "encoded") => Use::Keep,
        (Within::Entry, DublinCore, "date") => Use::Keep,
        (Within::Entry, DublinCore, "subject") => Use::Subject,
        (Within::Entry, Own, "source") => Use::Source,
        (Within::Entry, Own, "enclosure") if is_recording(attribute("type")) => Use::Recording,
        (Within::Entry, Atom, "link") if attribute("rel").is_none_or(|rel| rel == "alternate") => Use::Page,
        // What is said of a picture is not what the entry says.
        (Within::Entry, Media, "content")
            if attribute("medium").as_deref() == Some("image") || !is_recording(attribute("type")) =>
        {
            Use::Skip
        }
        (Within::Entry, Media, "group" | "content") => Use::Open,
        (Within::Entry, Media, "description") => Use::Described,
        (Within::Entry, ..) => Use::Skip,

        (Within::Source, Own, "title") => Use::Source,
        (Within::Source, ..) => Use::Skip,
    }
}

/// As much of `text` as there is `room` for, without half a reference at its end.
fn start_of<'t>(text: &'t str, room: &mut usize) -> &'t str {
    if text.len() <= *room {
        *room -= text.len();
        return text;
    }
    let start = text.get(..text.floor_char_boundary(*room)).unwrap_or_default();
    *room = 0;
    match start.rsplit_once('&') {
        Some((before, reference)) if !reference.contains(';') => before,
        _ => start,
    }
}

/// The start tag as it stands, if its length is sane.
fn start_tag(tag: &BytesStart<'_>) -> String {
    if tag.len() > TAG_MAX { format!("<{}>", tag.name().as_ref()) } else { format!("<{}>", &**tag) }
}

/// The start tag of a text of Atom. What was XHTML is escaped HTML by now.
fn text_tag(tag: &BytesStart<'_>) -> String {
    let kind = tag.try_get_attribute("type").ok().flatten().map(|attribute| attribute.value);
    let kind = match kind.as_deref() {
        Some("html" | "xhtml" | "text/html" | "application/xhtml+xml") => "html",
        _ => "text",
    };
    format!("<{} type=\"{kind}\">", tag.name().as_ref())
}
