//! What lines come to, and the files that break readers.

use encoding_rs::WINDOWS_1252;
use serde_json::{Map, Value};

use super::*;
use crate::domain::article::Sentiment;

mod exports;

fn now() -> Timestamp {
    "2026-11-21T09:30:00Z".parse().unwrap()
}

fn read(format: ImportFormat, body: &[u8]) -> (Vec<Article>, Vec<Rejected>) {
    let (mut articles, mut rejected) = (Vec::new(), Vec::new());
    for line in all(format, body).unwrap() {
        match line {
            Ok(article) => articles.push(article),
            Err(line) => rejected.push(line),
        }
    }
    (articles, rejected)
}

fn all(format: ImportFormat, body: &[u8]) -> Result<Vec<Line>, ImportError> {
    told(ImportOptions { format: Some(format), ..ImportOptions::default() }, body).map(|(lines, _)| lines)
}

/// What a file comes to, and what is said of it.
fn told(options: ImportOptions, body: &[u8]) -> Result<(Vec<Line>, Vec<String>), ImportError> {
    let mut reader = Reader::new(options, now());
    let (mut lines, mut input) = (Vec::new(), body);
    while let Some(line) = reader.read(&mut input)? {
        lines.push(line);
    }
    while let Some(line) = reader.close()? {
        lines.push(line);
    }
    Ok((lines, reader.notes()))
}

/// The articles of a file that is found out by its bytes alone, and what is said of it.
fn found(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<String>) {
    let (lines, notes) = told(ImportOptions::default(), body.as_ref()).unwrap();
    let file = String::from_utf8_lossy(body.as_ref());
    (lines.into_iter().map(|line| line.unwrap_or_else(|line| panic!("{line:?} of {file}"))).collect(), notes)
}

fn json(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<Rejected>) {
    read(ImportFormat::JsonLines, body.as_ref())
}

fn csv(body: impl AsRef<[u8]>) -> (Vec<Article>, Vec<Rejected>) {
    read(ImportFormat::Csv, body.as_ref())
}

fn refused(body: &[u8]) -> ImportError {
    all(ImportFormat::Csv, body).unwrap_err()
}

/// A line that is right but for the field given.
fn with(field: &str, value: Value) -> String {
    let mut article = serde_json::json!({"title": "T", "url": "https://example.com/a", "summary": "S"});
    article[field] = value;
    article.to_string()
}

fn why_not(line: impl AsRef<[u8]>) -> String {
    let (articles, mut rejected) = json(line);
    assert_eq!((articles.len(), rejected.len()), (0, 1), "{articles:?}");
    rejected.remove(0).detail
}

fn only(line: impl AsRef<[u8]>) -> Article {
    let (mut articles, rejected) = json(line);
    assert_eq!((articles.len(), rejected.len()), (1, 0), "{rejected:?}");
    articles.remove(0)
}

fn lines(rejected: &[Rejected]) -> Vec<u64> {
    rejected.iter().map(|rejected| rejected.line).collect()
}

const WHOLE: &str = r#"{"title": " Chips ", "url": "HTTPS://Example.com/a b?q=1#part", "source": "The Paper",
    "published_at": "2026-03-14T10:00:00+02:00", "summary": "S", "text": "T", "category": "Law",
    "sentiment": "Critical", "tags": [" a ", "", "b"], "language": "en"}"#;

#[test]
fn every_field_of_an_article_is_read_and_tidied() {
    let article = only(WHOLE.replace('\n', " "));
    assert_eq!(
        serde_json::to_value(&article).unwrap(),
        serde_json::json!({
            "title": "Chips", "url": "https://example.com/a%20b?q=1", "source": "The Paper",
            "published_at": "2026-03-14T08:00:00.000Z", "summary": "S", "text": "T", "category": "Law",
            "sentiment": "critical", "tags": ["a", "b"], "language": "en"
        })
    );
}

#[test]
fn the_same_article_as_csv_is_the_same_article() {
    let body = "Title,url,source,published_at,summary,text,category,sentiment,tags,language\r\n\
         Chips ,HTTPS://Example.com/a b?q=1#part,The Paper,2026-03-14T10:00:00+02:00,S,T,Law,critical,a;; b ,en\r\n";
    let (articles, rejected) = csv(body);
    assert_eq!(rejected, []);
    assert_eq!(articles, [only(WHOLE.replace('\n', " "))]);
}

#[test]
fn what_is_absent_null_or_blank_takes_its_default() {
    let article = only(
        r#"{"title":"T","url":"http://a.example","text":"x","summary":" ","source":null,"tags":null,"published_at":""}"#,
    );
    assert_eq!(article.published_at, now());
    assert_eq!((article.summary, article.source, article.text.as_deref()), (None, None, Some("x")));
    assert!(article.tags.is_empty() && !article.sample);
    assert_eq!(article.url, "http://a.example/");
}

#[test]
fn a_date_is_taken_in_any_form_that_is_one_date() {
    for right in
        ["2026-03-14", "2026-03-14T10:00:00", "14.03.2026", "14/03/2026", "03/14/2026 10:00", "1773446400"]
    {
        assert_eq!(only(with("published_at", right.into())).published_at.date(), "2026-03-14", "{right}");
    }
    assert_eq!(only(with("published_at", 1_773_446_400_u64.into())).published_at.date(), "2026-03-14");
    assert_eq!(only(with("published_at", 1_773_446_400_000_u64.into())).published_at.date(), "2026-03-14");
    assert_eq!(only(with("published_at", 1_773_446_400.5.into())).published_at.date(), "2026-03-14");
    for vague in ["2026-03", "March 2026", "2026/03"] {
        let (articles, notes) = found(with("published_at", vague.into()));
        assert_eq!(articles[0].published_at.date(), "2026-03-01");
        assert!(notes[0].starts_with("One article has a date without a day"), "{notes:?}");
    }
    // Tomorrow's, where it is tomorrow already.
    assert_eq!(only(with("published_at", "2026-11-22".into())).published_at.date(), "2026-11-22");
}

#[test]
fn each_refusal_of_a_date_says_what_is_wrong_with_it() {
    for (wrong, says) in [
        ("26-11-21", "does not show which part is the year"),
        ("yesterday", "can't be read as a date. Write it as 2026-11-21"),
        ("2026-02-30", "is no day of the calendar"),
        ("0001-01-01", "is before the year 1500"),
        ("12345678901", "is a number that is no date"),
        ("2126-11-21", "lies in the future, on 2126-11-21"),
        ("2026-11-25", "lies in the future"),
        ("03/04/2026", "could be two dates, 2026-04-03 and 2026-03-04"),
    ] {
        let detail = why_not(with("published_at", wrong.into()));
        assert!(
            detail.starts_with(&format!("The published_at \"{wrong}\" ")) && detail.contains(says),
            "{detail}"
        );
    }
    assert!(
        why_not(with("published_at", "03/04/2026".into())).ends_with("dates=day-first or dates=month-first.")
    );
}

#[test]
fn a_title_and_a_url_are_required() {
    assert_eq!(why_not(r#"{"url":"http://a.example","text":"x"}"#), "The article has no title.");
    assert_eq!(why_not(r#"{"title":"T","text":"x"}"#), "The article has no url.");
}

#[test]
fn a_title_alone_stands_as_the_summary_and_that_is_said() {
    let (articles, notes) =
        found(r#"{"title":"T","url":"http://a.example","text":"\n","date":"2026-11-20"}"#);
    assert_eq!(articles[0].summary.as_deref(), Some("T"));
    assert_eq!(notes, ["One article has a title only: the title stands as the summary, too."]);
}

#[test]
fn only_web_addresses_with_a_host_are_taken() {
    for wrong in ["ftp://a.example/x", "javascript:alert(1)", "example.com/a", "/a", "data:text/html,x"] {
        assert_eq!(
            why_not(with("url", wrong.into())),
            "The url must start with http:// or https://.",
            "{wrong}"
        );
    }
    for wrong in ["http://", "https:///", "http://a b.example/", "https://[::1", "http://a.example:99999/"] {
        assert!(why_not(with("url", wrong.into())).contains("not a valid web address"), "{wrong}");
    }
}

#[test]
fn texts_are_held_to_their_limits_in_characters() {
    for (field, max, shown) in [
        ("title", 300, "300"),
        ("source", 100, "100"),
        ("category", 100, "100"),
        ("summary", 5_000, "5,000"),
        ("text", 50_000, "50,000"),
        ("language", 35, "35"),
    ] {
        let article = only(with(field, "é".repeat(max).into()));
        assert_eq!(serde_json::to_value(&article).unwrap()[field], "é".repeat(max));
        let mut long: Value = serde_json::from_str(&with(field, "é".repeat(max + 1).into())).unwrap();
        if field != "text" {
            // A long summary without a text beside it is the text.
            long["text"] = "T".into();
        }
        assert_eq!(
            why_not(long.to_string()),
            format!("The {field} is longer than {shown} characters. Shorten it.")
        );
    }
}

#[test]
fn a_url_is_held_to_its_limit_as_it_is_kept() {
    let of_length = |length: usize| format!("https://a.example/{}", "x".repeat(length - 18));
    assert_eq!(only(with("url", format!("{}#part", of_length(2_000)).into())).url, of_length(2_000));
    assert_eq!(why_not(with("url", of_length(2_001).into())), "The url is longer than 2,000 characters.");
}

#[test]
fn tags_are_a_list_or_a_text_with_separators() {
    for (tags, expected) in [
        (serde_json::json!(["a", " b "]), vec!["a", "b"]),
        (serde_json::json!([{"tag": "a"}, {"name": "b"}, {"other": "c"}]), vec!["a", "b"]),
        (serde_json::json!("a;b, c; "), vec!["a", "b, c"]),
        (serde_json::json!("a|b"), vec!["a", "b"]),
        (serde_json::json!("a, b"), vec!["a", "b"]),
        (serde_json::json!([1, null]), vec!["1"]),
    ] {
        assert_eq!(only(with("tags", tags.clone())).tags, expected, "{tags}");
    }
    for many in [vec!["t".to_owned(); 21], vec!["t".repeat(51)]] {
        let (articles, notes) = found(with("tags", many.into()));
        assert!(articles[0].tags.len() <= 20, "{notes:?}");
        assert!(
            notes[1].starts_with("One article has more than 20 tags, or one of more than 50"),
            "{notes:?}"
        );
    }
}

#[test]
fn a_sentiment_is_one_of_four_or_left_out() {
    assert_eq!(only(with("sentiment", "NEGATIVE".into())).sentiment, Some(Sentiment::Negative));
    let (articles, notes) =
        found(format!("{}\n{}", with("sentiment", "angry".into()), with("sentiment", 0.25.into())));
    assert_eq!(articles[0].sentiment, None);
    assert!(notes[1].starts_with("2 articles have a sentiment that is none of positive"), "{notes:?}");
}

#[test]
fn what_is_not_known_is_passed_over_with_one_note() {
    let lines = format!(
        "{}\n{}\n{}",
        with("titel2", "T".into()),
        with("urlToImage", "x".into()),
        with("titel2", "U".into())
    );
    let (articles, notes) = found(lines);
    assert_eq!(articles.len(), 3);
    assert_eq!(
        notes,
        [
            r#"Passed over, for they are taken for no field of an article: "titel2", "urlToImage"."#,
            "3 articles have no date. They count as published when imported, on 2026-11-21."
        ]
    );
    assert!(!only(with("sample", true.into())).sample);
    let many: Value =
        (0..100).map(|number| (format!("x\u{7}{number}"), number.into())).collect::<Map<_, _>>().into();
    let (_, notes) = found(with("other", many));
    assert!(notes[0].len() < 1_000 && notes[0].ends_with(" and more."), "{notes:?}");
}

#[test]
fn a_number_is_taken_as_its_text() {
    assert_eq!(only(with("title", 5.into())).title, "5");
}

#[test]
fn prose_is_tidied_and_control_characters_elsewhere_are_refused() {
    let tidied = only(with("summary", "<p>a\tb\r\nc\0 &amp; d</p><script>e()</script>".into()));
    assert_eq!(tidied.summary.as_deref(), Some("a b c & d"));
    for (field, value) in [("source", "a\0b"), ("url", "https://a.example/\u{1b}x")] {
        let detail = why_not(with(field, value.into()));
        assert!(detail.starts_with(&format!("The {field} contains a control character (U+00")), "{detail}");
    }
    assert!(why_not(with("tags", vec!["a\u{7f}b"].into())).contains("U+007F"));
}

#[test]
fn a_bad_line_rejects_itself_only_and_keeps_its_number() {
    let good = with("title", "T".into());
    let body = format!("\u{feff}{good}\r\n\r\n  \nnot json\n[]\n{good}\n\"text\"\n{good}");
    let (articles, rejected) = json(body);
    assert_eq!(articles.len(), 3);
    assert_eq!(lines(&rejected), [4, 5, 7]);
    assert!(rejected[0].detail.starts_with("The line is not valid JSON, at column"));
    assert!(rejected[1].detail.starts_with("The line must be a JSON object"));
}

#[test]
fn lines_that_would_break_a_parser_are_only_rejected() {
    let good = with("title", "T".into());
    let mut body = with("title", "Ü".into()).into_bytes();
    body.extend(b"\n{\"title\":\"\xff\"}\n");
    body.extend("[".repeat(100_000).bytes());
    body.extend(b"\n{\"title\":\"\\ud800\"}\n");
    body.extend(b" ".repeat(crate::domain::records::LINE_MAX));
    body.extend(b"{}\n");
    body.extend(good.bytes());
    let (articles, rejected) = json(body);
    assert_eq!(articles.len(), 2);
    assert_eq!(lines(&rejected), [2, 3, 4, 5]);
    assert!(rejected[0].detail.contains("not UTF-8"));
    assert!(rejected[3].detail.contains("longer than 200 KB"));
}

#[test]
fn an_empty_json_file_has_no_articles() {
    assert_eq!(json(""), (vec![], vec![]));
    assert_eq!(json("\u{feff}\n\n"), (vec![], vec![]));
}

#[test]
fn the_same_url_twice_stays_twice_and_in_order() {
    let (articles, _) = json(format!("{}\n{}", with("title", "old".into()), with("title", "new".into())));
    assert_eq!(articles[0].url, articles[1].url);
    assert_eq!(articles[1].title, "new");
}

#[test]
fn a_table_without_a_title_or_a_url_is_refused_and_its_columns_are_named() {
    assert_eq!(refused(b""), ImportError::Empty);
    assert_eq!(refused(b"\xef\xbb\xbf\n\n"), ImportError::Empty);
    assert_eq!(
        refused(b"url,text\n").to_string(),
        r#"No column of the file is taken for the title. Its columns are "url", "text". Say which one it is: columns=NAME:title."#
    );
    assert!(matches!(refused(b"title,text\n"), ImportError::MissingColumn { field: Field::Url, .. }));
    let options = |columns: &str| ImportOptions {
        columns: Choices::parse(columns).unwrap(),
        ..ImportOptions::default()
    };
    let file = b"Was,Wo,Warum\nT,https://a.example,S\n";
    let (lines, notes) = told(options("Was:title,wo:url,Warum:summary"), file).unwrap();
    assert_eq!(lines[0].as_ref().unwrap().summary.as_deref(), Some("S"));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(
        told(options("Was:title,Wer:source,Wo:url"), file).unwrap_err().to_string(),
        r#"The file has no column "Wer". Its columns are "Was", "Wo", "Warum"."#
    );
    for (other, error) in [
        (&b"<?xml version=\"1.0\"?><rss/>"[..], ImportError::Markup),
        (b"%PDF-1.7", ImportError::NotText),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ImportError::OldWorkbook),
        (b"PK\x03\x04no workbook", ImportError::BadWorkbook),
        (&[0, 1, 2, 3, 4, 5, 6, 7].repeat(50), ImportError::NotText),
    ] {
        assert_eq!(refused(other), error);
    }
}

#[test]
fn a_csv_record_is_numbered_by_the_line_it_starts_on() {
    for end in ["\n", "\r\n", "\r"] {
        let body = [
            "\u{feff}title,url,text",
            "T,https://a.example,\"one, \"\"two\"\"",
            "three\"",
            "",
            "bad,url,x",
            ",,",
            "\"bad",
            "again\",url,x",
            "T,https://a.example,x,extra",
            "T,https://a.example",
            "T,https://b.example,y",
        ]
        .join(end);
        let (articles, rejected) = csv(body);
        // One that ends early lacks what is at its end.
        assert_eq!(articles.len(), 3, "{end:?} {rejected:?}");
        assert_eq!(articles[0].text.clone().unwrap(), "one, \"two\"\nthree");
        assert_eq!(lines(&rejected), [5, 7, 9], "{end:?}");
        assert_eq!(rejected[2].detail, "The record has 4 fields where the header names 3 columns.");
    }
}

#[test]
fn a_quotation_mark_that_is_never_closed_swallows_no_lines_in_silence() {
    let (articles, rejected) =
        csv("title,url,text\nA,https://a.example,x\nB,https://b.example,\"y\nC,https://c.example,z\n");
    assert_eq!(articles.len(), 1);
    assert_eq!(lines(&rejected), [3]);
    assert!(rejected[0].detail.contains("never closed"));
    let (articles, rejected) = csv("title,url,text\nA 5\" screen,https://a.example,x");
    assert_eq!((articles[0].title.as_str(), rejected.len()), ("A 5\" screen", 0));
}

#[test]
fn a_csv_record_that_swallowed_others_says_where_to_look() {
    let (_, rejected) = csv("title,url,text\n\"A,https://a.example,x\nB\",https://b.example,y,z\n");
    assert!(rejected[0].detail.ends_with("It spans several lines; check its quotation marks."));
}

#[test]
fn a_line_that_is_not_utf8_in_a_file_that_is_rejects_itself_only() {
    let (articles, rejected) = csv("title,url,text\nÜber Café,https://a.example,x\n"
        .bytes()
        .chain(*b"Caf\xe9,https://a.example,x\nT,https://b.example,y\n")
        .collect::<Vec<_>>());
    assert_eq!((articles.len(), lines(&rejected)), (2, vec![3]));
    assert!(rejected[0].detail.contains("not UTF-8"));
}

#[test]
fn a_file_that_begins_in_ascii_and_goes_on_as_windows_writes_is_read() {
    let mut file = b"title,url,text\n".to_vec();
    while file.len() < HEAD {
        file.extend(b"T,https://a.example,x\n");
    }
    file.extend(b"Caf\xe9,https://b.example,y\n");
    let (articles, rejected) = csv(file);
    assert_eq!((articles.last().unwrap().title.as_str(), rejected.len()), ("Café", 0));
}

#[test]
fn a_csv_record_of_more_than_a_megabyte_costs_itself_only() {
    let text = "x".repeat(1_100_000);
    let (articles, rejected) =
        csv(format!("title,url,text\nA,https://a.example,{text}\nB,https://b.example,y\n"));
    assert_eq!((articles.len(), lines(&rejected)), (1, vec![2]));
    assert_eq!(rejected[0].detail, "The record is longer than 1 MB. Shorten the article's text.");
    assert!(matches!(refused("x".repeat(1_100_000).as_bytes()), ImportError::HeaderTooLong));
}

#[test]
fn an_array_without_articles_has_none() {
    assert_eq!(json("[]"), (vec![], vec![]));
}
