//! A server's answer where a feed should be.

use std::collections::HashSet;

use shared::domain::article::{LANGUAGE_MAX, NAME_MAX, URL_MAX};
use shared::domain::identity::url_identity;
use shared::domain::time::DAY_MS;
use shared::feeds::ParseError;
use shared::feeds::parse::{ENTRIES_MAX, parse};
use url::Url;

use crate::{assert_article, now, with_choice};

/// What HTTP says, by the input's first byte.
const CONTENT_TYPES: [Option<&str>; 6] = [
    None,
    Some("application/rss+xml"),
    Some("text/xml; charset=iso-8859-2"),
    Some("text/xml; charset=utf-16"),
    Some("text/xml; charset=\"Shift_JIS\""),
    Some("application/xml; charset=ISO-2022-JP"),
];

/// Of whatever comes, at most so many articles are made, each within its limits
/// and at an address of the web, no two at the same one.
pub fn take(data: &[u8]) {
    let (choice, document) = with_choice(data);
    let content_type = CONTENT_TYPES[usize::from(choice) % CONTENT_TYPES.len()];
    let url = Url::parse("https://example.com/news/feed.xml").unwrap();
    let feed = match parse(document, content_type, &url, now()) {
        Ok(feed) => feed,
        Err(error) => {
            if let ParseError::WebPage { feeds } = &error {
                assert!(feeds.len() <= 3);
                assert!(feeds.iter().all(|feed| matches!(feed.scheme(), "http" | "https")));
            }
            // Three addresses of tags of 2,000 bytes, percent-encoded.
            assert!(error.sentence().len() < 20_000);
            return;
        }
    };
    assert!(feed.title.chars().count() <= NAME_MAX && !feed.title.is_empty(), "{:?}", feed.title);
    assert!(feed.language.is_none_or(|tag| (1..=LANGUAGE_MAX).contains(&tag.len())));
    if let Some(site) = feed.site_url {
        assert!(matches!(site.scheme(), "http" | "https") && site.as_str().len() <= URL_MAX, "{site}");
    }
    assert!(feed.entries.len() <= ENTRIES_MAX);
    assert!(feed.left_out == 0 || feed.entries.len() <= ENTRIES_MAX);
    let (mut identities, mut last) = (HashSet::new(), 0);
    for entry in feed.entries {
        match entry {
            Ok(article) => {
                assert_article(&article);
                assert!(article.published_at <= now().plus_millis(DAY_MS));
                assert!(article.source.is_some());
                assert!(identities.insert(url_identity(&Url::parse(&article.url).unwrap())));
            }
            Err(rejected) => {
                assert!((last + 1..=ENTRIES_MAX).contains(&rejected.entry), "{rejected:?} after {last}");
                assert!(rejected.detail.len() < 200 && rejected.detail.ends_with('.'), "{rejected:?}");
                last = rejected.entry;
            }
        }
    }
}
