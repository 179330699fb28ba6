//! The feeds that a web page announces.

use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;
use url::Url;

/// How many of them are named.
const NAMED_MAX: usize = 3;
/// Announcements stand in a page's head.
const READ_MAX: usize = 500_000;
/// A longer tag announces nothing.
const TAG_MAX: usize = 2_000;

/// Whether `text` begins as web pages do.
pub(super) fn is_web_page(text: &str) -> bool {
    let start = text.get(..text.floor_char_boundary(1_000)).unwrap_or(text).to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<body"].iter().any(|sign| start.contains(sign))
}

/// The addresses in the page's `<link rel="alternate">` of a feed's type, each
/// once, resolved against `base`.
pub(super) fn announced_feeds(page: &str, base: &Url) -> Vec<Url> {
    let page = page.get(..page.floor_char_boundary(READ_MAX)).unwrap_or(page);
    let mut feeds = Vec::new();
    for (at, _) in page.match_indices('<') {
        let Some(feed) = page.get(at + 1..).and_then(link).and_then(|href| base.join(&href).ok()) else {
            continue;
        };
        if matches!(feed.scheme(), "http" | "https") && !feeds.contains(&feed) {
            feeds.push(feed);
        }
        if feeds.len() == NAMED_MAX {
            break;
        }
    }
    feeds
}

/// The address of the feed that the tag at the start of `html` announces.
fn link(html: &str) -> Option<String> {
    let name = html.get(..4)?;
    let rest = html.get(4..)?;
    if !name.eq_ignore_ascii_case("link") || !rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '/')
    {
        return None;
    }
    let tag = html.get(..html.floor_char_boundary(TAG_MAX))?;
    let tag = BytesStart::from_content(tag.get(..tag_end(tag)?)?, name.len());
    let (mut is_alternate, mut is_feed, mut href) = (false, false, None);
    for attribute in tag.html_attributes().flatten() {
        let value = unescape(&attribute.value).unwrap_or(attribute.value.clone());
        match attribute.key.as_ref().to_ascii_lowercase().as_str() {
            "rel" => {
                is_alternate =
                    value.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("alternate"));
            }
            "type" => is_feed = is_feed_type(&value),
            "href" => href = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    href.filter(|href| is_alternate && is_feed && !href.is_empty())
}

/// Where the tag's `>` is; one in quotation marks is part of a value.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        None
    })
}

fn is_feed_type(value: &str) -> bool {
    let media_type = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    ["application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"]
        .contains(&media_type.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(page: &str) -> Vec<String> {
        let base = Url::parse("https://example.com/blog/").unwrap();
        announced_feeds(page, &base).into_iter().map(String::from).collect()
    }

    #[test]
    fn feeds_are_found_however_their_tags_are_written() {
        let page = r#"<!DOCTYPE html><html><head><script>if (a<b) "</script><link rel=stylesheet href=a.css>
            <LINK HREF='/rss?a=1&amp;b=2' title="All > news" TYPE="application/RSS+xml; charset=utf-8" REL="alternate">
            <link rel="home alternate" type=application/atom+xml href=atom.xml>
            <link rel="alternate" type="application/feed+json" href="https://other.example/feed.json"/>"#;
        assert_eq!(
            announced(page),
            [
                "https://example.com/rss?a=1&b=2",
                "https://example.com/blog/atom.xml",
                "https://other.example/feed.json"
            ]
        );
    }

    #[test]
    fn other_links_and_repeats_are_passed_over_and_three_are_enough() {
        let link = |href: &str| format!("<link rel=alternate type=application/rss+xml href='{href}'>");
        let others = "<link rel=alternate hreflang=de href=/de><link type=application/rss+xml href=/x><linked \
            rel=alternate type=application/rss+xml href=/y><link rel=alternate type=application/rss+xml href=\"\
            javascript:1\"><link rel=alternate type=application/rss+xml href=\"";
        let page = [&link("/1"), &link("/1"), others].concat();
        assert_eq!(announced(&page), ["https://example.com/1"]);
        let page = [1, 2, 3, 4].map(|n| link(&format!("/{n}"))).concat();
        assert_eq!(announced(&page).len(), 3);
    }

    #[test]
    fn letters_of_any_width_may_stand_anywhere() {
        for page in ["<lin€", "<link €", "<", "<link", "€<link €='<'>€", "<li€nk rel>"] {
            assert!(announced(page).is_empty());
        }
        assert!(is_web_page(&format!("<HTML>{}", "€".repeat(1000))));
        assert!(!is_web_page("<rss>"));
    }
}
