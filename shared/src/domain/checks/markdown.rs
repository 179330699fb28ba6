//! Markdown as blocks of plain text, with the places of what matters in them.

use std::ops::Range;

use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd};

/// What a Markdown text is made of.
#[derive(Default)]
pub struct Document {
    /// In their order, those inside lists, tables and quotes too.
    pub blocks: Vec<Block>,
    /// To web addresses: inline, by reference, in angle brackets, and plain. Not
    /// images, and none in code.
    pub links: Vec<Link>,
    /// Of what a reader sees.
    pub words: u64,
}

/// A link to http or https.
pub struct Link {
    /// What a reader sees.
    pub text: String,
    /// As written.
    pub url: String,
}

/// A stretch of text that belongs together.
pub struct Block {
    /// What it is.
    pub kind: Kind,
    /// As a reader sees it; line breaks as in the source.
    pub text: String,
    /// Which top-level block it is part of: that list, table, quote, paragraph.
    pub group: usize,
    /// The innermost list item that it is in.
    pub item: Option<Item>,
    /// The end of the bold text that it begins with.
    pub bold: usize,
    /// Where links to web addresses, and marks such as `[1]`, stand in the text.
    pub citations: Vec<Range<usize>>,
    /// Where code stands in the text.
    pub code: Vec<Range<usize>>,
}

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A paragraph or a list item's text.
    Text,
    /// A heading, by its level from 1.
    Heading(u8),
    /// The names of a table's columns.
    TableHead,
    /// A row of a table, its cells separated by `|`.
    TableRow,
    /// A code block.
    Code,
}

/// A list item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The list that it is in.
    pub list: usize,
    /// Which of all items it is.
    pub number: usize,
    /// The list is numbered.
    pub is_ordered: bool,
    /// The block is the first of the item.
    pub is_first: bool,
}

impl Block {
    /// The bold text that the block begins with, without a colon.
    pub fn bold_label(&self) -> &str {
        let bold = self.text.get(..self.bold).unwrap_or_default();
        bold.trim().trim_end_matches([':', '.']).trim_end()
    }

    /// Whether it is nothing but bold, which serves as a heading.
    pub fn is_bold_line(&self) -> bool {
        self.bold > 0 && !self.text.get(self.bold..).unwrap_or_default().contains(char::is_alphanumeric)
    }
}

impl Document {
    /// Reads CommonMark with tables.
    pub fn read(markdown: &str) -> Self {
        let parser = Parser::new_ext(markdown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
        let events: Vec<(Event<'_>, Range<usize>)> = parser.into_offset_iter().collect();
        let unread =
            events.iter().filter(|(event, _)| hides_addresses(event)).map(|(_, at)| at.clone()).collect();
        let mut reader = Reader { markdown, plain: plain_addresses(markdown, unread), ..Reader::default() };
        for (event, at) in events {
            reader.take(event, at);
        }
        reader.end_block();
        reader.document
    }
}

fn hides_addresses(event: &Event<'_>) -> bool {
    match event {
        Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::CodeBlock(_)) | Event::Code(_) => true,
        Event::Html(html) | Event::InlineHtml(html) => {
            html.starts_with("<!--") || html.to_ascii_lowercase().contains("<img")
        }
        _ => false,
    }
}

/// Where addresses stand outside of `unread`, which is in order.
fn plain_addresses(markdown: &str, unread: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut unread = unread.into_iter().peekable();
    let mut unread_until = 0;
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    let mut found = Vec::new();
    for link in finder.links(markdown) {
        while let Some(range) = unread.next_if(|range| range.start <= link.start()) {
            unread_until = unread_until.max(range.end);
        }
        if link.start() >= unread_until && is_web(link.as_str()) {
            // Typographic marks that end a sentence or a quotation.
            let address = link
                .as_str()
                .trim_end_matches(['”', '’', '»', '“', '。', '、', '，', '）', '」', '…', '*', '_', '\\']);
            found.push(link.start()..link.start() + address.len());
        }
    }
    found
}

fn is_web(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    (scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) && url.contains("://")
}

/// A link whose text is being read.
struct OpenLink {
    start: usize,
    url: String,
}

#[derive(Default)]
struct Reader<'m> {
    markdown: &'m str,
    document: Document,
    /// Addresses that stand plain, in order; those before `next_plain` are done.
    plain: Vec<Range<usize>>,
    next_plain: usize,

    text: String,
    bold: usize,
    open_bold: bool,
    citations: Vec<Range<usize>>,
    code: Vec<Range<usize>>,
    link: Option<OpenLink>,
    images: usize,

    kind: Option<Kind>,
    depth: usize,
    group: usize,
    /// The lists that we are in: which, and whether it is numbered.
    lists: Vec<(usize, bool)>,
    list_count: usize,
    items: Vec<Item>,
    item_count: usize,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, at: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, at),
            Event::Code(code) if self.images == 0 => {
                let start = self.text.len();
                self.text.push_str(&code);
                self.code.push(start..self.text.len());
            }
            Event::SoftBreak | Event::HardBreak => self.text.push('\n'),
            Event::InlineHtml(html) if html.to_ascii_lowercase().starts_with("<br") => self.text.push('\n'),
            Event::Rule => self.end_block(),
            // Of HTML a reader sees what the page lets through: links.
            Event::Html(_) | Event::InlineHtml(_) => self.addresses_in(at),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Emphasis | Tag::Strikethrough => {}
            Tag::Strong => {
                self.open_bold = !self.text.contains(char::is_alphanumeric);
            }
            Tag::Link { link_type, dest_url, .. } => {
                let url = if link_type == LinkType::Email { String::new() } else { dest_url.into_string() };
                self.link = Some(OpenLink { start: self.text.len(), url });
            }
            Tag::Image { .. } => self.images += 1,
            Tag::TableCell => {
                if !self.text.is_empty() {
                    self.text.push_str(" | ");
                }
            }
            block => self.start_block(block),
        }
    }

    fn start_block(&mut self, block: Tag<'_>) {
        self.end_block();
        if self.depth == 0 {
            self.group += 1;
        }
        self.depth += 1;
        match block {
            Tag::Heading { level, .. } => self.kind = Some(Kind::Heading(level_number(level))),
            Tag::CodeBlock(_) => self.kind = Some(Kind::Code),
            Tag::TableHead => self.kind = Some(Kind::TableHead),
            Tag::TableRow => self.kind = Some(Kind::TableRow),
            Tag::List(first) => {
                self.list_count += 1;
                self.lists.push((self.list_count, first.is_some()));
            }
            Tag::Item => {
                self.item_count += 1;
                let (list, is_ordered) = self.lists.last().copied().unwrap_or_default();
                self.items.push(Item { list, number: self.item_count, is_ordered, is_first: true });
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Emphasis | TagEnd::Strikethrough | TagEnd::TableCell => {}
            TagEnd::Strong => {
                if self.open_bold {
                    self.bold = self.text.len();
                    self.open_bold = false;
                }
            }
            TagEnd::Link => {
                if let Some(link) = self.link.take().filter(|link| is_web(&link.url)) {
                    let text = self.text.get(link.start..).unwrap_or_default().to_owned();
                    self.citations.push(link.start..self.text.len());
                    self.document.links.push(Link { text, url: link.url });
                }
            }
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            block => {
                self.end_block();
                self.depth = self.depth.saturating_sub(1);
                match block {
                    TagEnd::List(_) => {
                        self.lists.pop();
                    }
                    TagEnd::Item => {
                        self.items.pop();
                    }
                    _ => {}
                }
            }
        }
    }

    fn text(&mut self, text: &str, at: Range<usize>) {
        if self.images > 0 {
            return;
        }
        // The text is that of the source but for what stands escaped or encoded
        // there, which is an event of its own.
        let is_literal = self.markdown.get(at.clone()) == Some(text);
        let mut done = at.start;
        while let Some(address) =
            self.plain.get(self.next_plain).filter(|plain| plain.start < at.end).cloned()
        {
            if address.start >= at.start && self.link.is_none() {
                if is_literal {
                    self.text.push_str(self.markdown.get(done..address.start).unwrap_or_default());
                }
                self.push_address(&address);
            }
            done = done.max(address.end);
            if address.end > at.end {
                // The rest of the address comes with the next events.
                return;
            }
            self.next_plain += 1;
        }
        if is_literal {
            self.text.push_str(self.markdown.get(done..at.end).unwrap_or_default());
        } else if done <= at.start {
            self.text.push_str(text);
        }
    }

    fn push_address(&mut self, address: &Range<usize>) {
        let url = self.markdown.get(address.clone()).unwrap_or_default();
        // An underscore may be escaped, and `&` encoded.
        let url = url.replace("\\_", "_").replace("&amp;", "&");
        let start = self.text.len();
        self.text.push_str(&url);
        self.citations.push(start..self.text.len());
        self.document.links.push(Link { text: url.clone(), url });
    }

    fn addresses_in(&mut self, at: Range<usize>) {
        while let Some(address) =
            self.plain.get(self.next_plain).filter(|plain| plain.start < at.end).cloned()
        {
            if address.start >= at.start {
                self.push_address(&address);
            }
            self.next_plain += 1;
        }
    }

    fn end_block(&mut self) {
        let text = std::mem::take(&mut self.text);
        let mut citations = std::mem::take(&mut self.citations);
        let code = std::mem::take(&mut self.code);
        let bold = std::mem::take(&mut self.bold);
        let kind = self.kind.take().unwrap_or(Kind::Text);
        self.open_bold = false;
        self.link = None;
        if !text.contains(|c: char| !c.is_whitespace()) {
            return;
        }
        self.document.words += words(&text);
        citations.extend(marks(&text));
        citations.sort_unstable_by_key(|range| range.start);
        let item = self.items.last().copied();
        if let Some(item) = self.items.last_mut() {
            item.is_first = false;
        }
        self.document.blocks.push(Block { kind, text, group: self.group, item, bold, citations, code });
    }
}

/// Marks that refer to a list of sources: `[1]`, `[^1]`, `[1, 2]`.
fn marks(text: &str) -> Vec<Range<usize>> {
    const MARK_MAX: usize = 20;
    let mut marks = Vec::new();
    for (start, _) in text.match_indices('[') {
        let inside = text.get(start + 1..).unwrap_or_default();
        let Some(end) = inside.bytes().take(MARK_MAX).position(|byte| byte == b']') else {
            continue;
        };
        let inside = inside.get(..end).unwrap_or_default();
        let usual = |c: char| c.is_ascii_digit() || matches!(c, '^' | ',' | ' ' | '-' | '–');
        if inside.contains(|c: char| c.is_ascii_digit()) && inside.chars().all(usual) {
            marks.push(start..start + end + 2);
        }
    }
    marks
}

/// Words: what white space separates and has a letter or digit in it. In scripts
/// without spaces each character counts as one.
fn words(text: &str) -> u64 {
    let mut words = 0;
    for piece in text.split_whitespace() {
        let unspaced =
            piece.chars().filter(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')).count();
        let unspaced = u64::try_from(unspaced).unwrap_or(u64::MAX);
        words += unspaced.max(u64::from(piece.contains(char::is_alphanumeric)));
    }
    words
}

fn level_number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}
