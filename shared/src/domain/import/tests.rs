//! Real exports, and the files that break readers.

use serde_json::Value;

use super::*;
use crate::domain::article::Sentiment;

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

/// A file of each kind, with a line of it that makes no article.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let line = |number: u32| with("url", format!("https://a.example/{number}").into());
    let rows = |separator: &str| {
        let rows = [
            "url,title,text",
            "https://a.example/1,Ärger,\"x\r\ny\"",
            "",
            "bad,B,é",
            "https://a.example/2,C,w",
            "https://a.example/3,D,ü",
        ];
        rows.join("\r\n").replace(',', separator)
    };
    let wide =
        |text: &str| format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let document = format!(
        "{{\"status\": \"o}}k\", \"data\": {{\"articles\": [\n{},\n{}, {}, 5, {}\n]}}, \"more\": [{{\"x\": 1}}]}}",
        line(1),
        with("title", "".into()),
        line(2),
        line(3).replace('S', "ß")
    );
    let members = format!(
        "{{\"list\": {{\"1\": {}, \"2\": {}, \"3\": {}}}}}",
        line(1),
        line(2),
        with("url", "x".into())
    );
    vec![
        ("lines", format!("{}\nbad\n{}\n\n{}", line(1), line(2), line(3)).into_bytes()),
        ("csv", format!("\u{feff}{}", rows(",")).into_bytes()),
        ("semicolons", format!("sep=;\r\nA list of mine;;\r\n\r\n{}", rows(";")).into_bytes()),
        ("windows", WINDOWS_1252.encode(&rows(";")).0.into_owned()),
        ("unicode text", wide(&rows("\t"))),
        ("document", document.clone().into_bytes()),
        ("wide document", wide(&document)),
        ("members", members.into_bytes()),
        (
            "pretty",
            [line(1), line(2), line(3)]
                .map(|line| {
                    serde_json::to_string_pretty(&serde_json::from_str::<Value>(&line).unwrap()).unwrap()
                })
                .join("\n")
                .into_bytes(),
        ),
        (
            "responses",
            format!(
                "{{\"articles\": [{}, {}]}}\n{{\"articles\": []}}\n{{\"articles\": [{}]}}\n",
                line(1),
                line(2),
                line(3)
            )
            .into_bytes(),
        ),
        (
            "workbook",
            workbook(&[
                &["url", "title", "text"],
                &["https://a.example/1", "A", "x"],
                &["", "B", ""],
                &["https://a.example/2", "C", ""],
            ]),
        ),
    ]
}

fn workbook(rows: &[&[&str]]) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().set_name("About").unwrap().write(0, 0, "Exported by hand").unwrap();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(*cells) {
            sheet.write(row, column, *cell).unwrap();
        }
    }
    workbook.save_to_buffer().unwrap()
}

#[test]
fn a_file_is_the_same_however_it_is_cut() {
    for (kind, file) in kinds() {
        let (whole, notes) = told(ImportOptions::default(), &file).unwrap();
        assert!(whole.len() >= 3 && whole.iter().flatten().count() >= 2, "{kind}: {whole:?}");
        for size in [1, 2, 3, 5, 1_000] {
            let mut reader = Reader::new(ImportOptions::default(), now());
            let mut lines = Vec::new();
            for mut piece in file.chunks(size) {
                while let Some(line) = reader.read(&mut piece).unwrap() {
                    lines.push(line);
                }
            }
            while let Some(line) = reader.close().unwrap() {
                lines.push(line);
            }
            assert_eq!((lines, reader.notes()), (whole.clone(), notes.clone()), "{kind} in pieces of {size}");
            assert_eq!(reader.place().mark.offset, file.len() as u64, "{kind}");
        }
    }
}

#[test]
fn reading_goes_on_from_the_place_where_another_stopped() {
    for (kind, file) in kinds() {
        let (whole, notes) = told(ImportOptions::default(), &file).unwrap();
        for size in [1, 7, 1_000_000] {
            let (mut lines, mut place) = (Vec::new(), Place::default());
            let notes_again = 'file: loop {
                // As a store keeps it; a new reader for each line.
                let kept = serde_json::to_string(&place).unwrap();
                let mut reader =
                    Reader::resume(ImportOptions::default(), &serde_json::from_str(&kept).unwrap(), now());
                let mut pieces = file[usize::try_from(place.offset()).unwrap()..].chunks(size);
                let line = loop {
                    let Some(mut piece) = pieces.next() else {
                        match reader.close().unwrap() {
                            Some(line) => break line,
                            None => break 'file reader.notes(),
                        }
                    };
                    if let Some(line) = reader.read(&mut piece).unwrap() {
                        break line;
                    }
                };
                lines.push(line);
                place = reader.place();
            };
            assert_eq!((lines, notes_again), (whole.clone(), notes.clone()), "{kind} in pieces of {size}");
        }
    }
}

#[test]
fn a_place_from_before_plans_were_kept_is_gone_on_from() {
    for (format, file, place) in [
        (
            ImportFormat::Csv,
            "url,title,text\nhttps://a.example/1,A,x\nhttps://a.example/2,B,y\n",
            r#"{"offset":0,"line":3,"after_return":false,"columns":["url","title","text"]}"#,
        ),
        (
            ImportFormat::JsonLines,
            "{\"title\":\"A\",\"url\":\"https://a.example/1\"}\n{\"title\":\"B\",\"url\":\"https://a.example/2\"}\n",
            r#"{"offset":0,"line":2,"after_return":false,"columns":[]}"#,
        ),
    ] {
        let mut place: Place = serde_json::from_str(place).unwrap();
        // Before the last line.
        place.mark.offset = file.trim_end().rfind('\n').unwrap() as u64 + 1;
        let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
        let mut reader = Reader::resume(options, &place, now());
        let mut rest = &file.as_bytes()[usize::try_from(place.offset()).unwrap()..];
        assert_eq!(reader.read(&mut rest).unwrap().unwrap().unwrap().title, "B");
    }
}

#[test]
fn what_spreadsheets_write_goes_in() {
    const TABLE: &str = "Titel;Link;Zusammenfassung;Datum;Schlagwörter;;\r\nÄrger in Köln;https://a.example/1;\"Zwei\r\nZeilen; über alles\";20.11.2026;KI;;\r\nB;https://a.example/2;S;19.11.2026;\"KI, Recht\"\r\n;;;;;;\r\n";
    let wide = |text: &str, to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
    let tabs = TABLE.replace(';', "\t");
    for (what, file) in [
        ("Excel in Europe", WINDOWS_1252.encode(TABLE).0.into_owned()),
        ("Excel in Europe, UTF-8", format!("\u{feff}{TABLE}").into_bytes()),
        ("sep", format!("sep=;\r\n{TABLE}").into_bytes()),
        ("quoted sep", format!("\"sep=;\"\r\n{TABLE}").into_bytes()),
        ("Unicode text", wide(&format!("\u{feff}{tabs}"), u16::to_le_bytes)),
        ("UTF-16 without a mark", wide(&tabs, u16::to_le_bytes)),
        ("UTF-16, the other way round", wide(&format!("\u{feff}{TABLE}"), u16::to_be_bytes)),
        ("bars", TABLE.replace(';', "|").into_bytes()),
        ("a title above", format!("Presse;;;;\r\nStand: 21.11.2026\r\n\r\n{TABLE}").into_bytes()),
    ] {
        let (articles, notes) = found(file);
        assert_eq!(articles.len(), 2, "{what}: {notes:?}");
        let one = &articles[0];
        assert_eq!(
            (one.title.as_str(), one.url.as_str()),
            ("Ärger in Köln", "https://a.example/1"),
            "{what}"
        );
        assert_eq!(one.published_at.date(), "2026-11-20", "{what}");
        assert!(one.summary.as_deref().is_some_and(|text| text.ends_with("über alles")), "{what}: {one:?}");
        assert_eq!((one.tags.len(), articles[1].tags.len()), (1, 2), "{what}");
    }
}

#[test]
fn a_workbook_is_read_sheet_and_row() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    workbook.add_worksheet().set_name("Notes").unwrap().write(0, 0, "Nothing here").unwrap();
    let sheet = workbook.add_worksheet();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy hh:mm");
    sheet.write(0, 0, "My clippings").unwrap();
    for (column, name) in (1..).zip(["Headline", "Link", "Published", "Description", "Words"]) {
        sheet.write(2, column, name).unwrap();
    }
    for (row, title) in (4..).zip(["Ärger", "Zwei", ""]) {
        sheet.write(row, 1, title).unwrap();
        sheet.write(row, 2, format!("https://a.example/{row}")).unwrap();
        let at = rust_xlsxwriter::ExcelDateTime::from_ymd(2026, 11, 20).unwrap().and_hms(9, 30, 0).unwrap();
        sheet.write_with_format(row, 3, &at, &date).unwrap();
        sheet.write(row, 4, "S").unwrap();
        sheet.write(row, 5, 812).unwrap();
    }
    let (lines, notes) = told(ImportOptions::default(), &workbook.save_to_buffer().unwrap()).unwrap();
    let article = lines[0].as_ref().unwrap();
    assert_eq!((article.title.as_str(), article.url.as_str()), ("Ärger", "https://a.example/4"));
    assert_eq!(article.published_at.to_string(), "2026-11-20T09:30:00.000Z");
    assert_eq!(lines[2], Err(Rejected { line: 7, detail: "The article has no title.".into() }));
    assert_eq!(notes, [r#"Passed over, for they are taken for no field of an article: "Words"."#]);
}

#[test]
fn a_workbook_that_unpacks_to_more_than_there_is_room_for_is_refused() {
    let long = "x".repeat(32_000);
    let rows: Vec<Vec<String>> = (0..2_200)
        .map(|number| vec!["T".into(), "https://a.example".into(), format!("{number}{long}")])
        .collect();
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["title", "url", "text"]).unwrap();
    sheet.write_row_matrix(1, 0, rows).unwrap();
    let file = workbook.save_to_buffer().unwrap();
    assert!(file.len() < 2_000_000, "{}", file.len());
    assert_eq!(refused(&file), ImportError::WorkbookTooLarge);
}

#[test]
fn dates_of_two_readings_are_decided_by_the_files_others_or_by_a_person() {
    let file = |other: &str| {
        format!("title,url,date\nA,https://a.example/1,03/04/2026\nB,https://a.example/2,{other}\n")
    };
    let (articles, notes) = found(file("20/11/2026"));
    assert_eq!(articles[0].published_at.date(), "2026-04-03");
    assert!(
        notes[0].starts_with("Dates such as 03/04/2026 are read with the day before the month"),
        "{notes:?}"
    );
    assert_eq!(found(file("11/20/2026")).0[0].published_at.date(), "2026-03-04");
    for undecided in ["05/06/2026", "2026-11-20", "20.11.2026"] {
        let (lines, _) = told(ImportOptions::default(), file(undecided).as_bytes()).unwrap();
        assert!(
            lines[0].as_ref().unwrap_err().detail.contains("no other date of the file decides"),
            "{undecided}"
        );
    }
    let both = format!("{}C,https://a.example/3,11/20/2026\n", file("20/11/2026"));
    assert!(told(ImportOptions::default(), both.as_bytes()).unwrap().0[0].is_err());
    for (order, date) in [(DateOrder::DayFirst, "2026-04-03"), (DateOrder::MonthFirst, "2026-03-04")] {
        let options = ImportOptions { dates: Some(order), ..ImportOptions::default() };
        let (lines, _) = told(options, file("05/06/2026").as_bytes()).unwrap();
        assert_eq!(lines[0].as_ref().unwrap().published_at.date(), date);
    }
}

/// Exports as their programs write them, each of one article at https://news.example/chips.
const EXPORTS: [(&str, &str); 19] = [
    (
        "NewsAPI, a line",
        r#"{"source":{"id":null,"name":"The Paper"},"author":"A. Writer","title":"Chips","description":"A short text.","url":"https://news.example/chips","urlToImage":"https://news.example/i.png","publishedAt":"2026-11-20T08:00:00Z","content":"The whole text. [+900 chars]"}"#,
    ),
    (
        "NewsAPI, a response",
        r#"{"status":"ok","totalResults":1,"articles":[{"source":{"id":null,"name":"The Paper"},"author":null,"title":"Chips","description":"A short text.","url":"https://news.example/chips","urlToImage":null,"publishedAt":"2026-11-20T08:00:00Z","content":null}]}"#,
    ),
    (
        "Guardian",
        r#"{"response":{"status":"ok","total":1,"results":[{"id":"technology/2026/chips","type":"article","sectionId":"technology","sectionName":"Technology","webPublicationDate":"2026-11-20T08:00:00Z","webTitle":"Chips","webUrl":"https://news.example/chips","apiUrl":"https://content.example/chips","fields":{"headline":"Chips","trailText":"A <strong>short</strong> text.","bodyText":"The whole text."},"tags":[{"id":"x","webTitle":"AI"}],"isHosted":false}]}}"#,
    ),
    (
        "GDELT, JSON",
        "{\"articles\": [\n { \"url\": \"https://news.example/chips\", \"url_mobile\": \"\", \"title\": \"Chips\", \"seendate\": \"20261120T080000Z\", \"socialimage\": \"\", \"domain\": \"news.example\", \"language\": \"English\", \"sourcecountry\": \"United States\" }\n]}",
    ),
    (
        "GDELT, CSV",
        "\u{feff}URL,MobileURL,Date,Title\nhttps://news.example/chips,,2026-11-20 08:00:00,Chips\n",
    ),
    (
        "Event Registry",
        r#"{"articles":{"page":1,"results":[{"uri":"8123","lang":"eng","isDuplicate":false,"date":"2026-11-20","time":"08:00:00","dateTime":"2026-11-20T08:00:00Z","dateTimePub":"2026-11-20T08:00:00Z","dataType":"news","sim":0.5,"url":"https://news.example/chips","title":"Chips","body":"The whole text.","source":{"uri":"news.example","dataType":"news","title":"The Paper"},"authors":[{"uri":"a@news.example","name":"A. Writer"}],"image":"https://news.example/i.png","sentiment":0.25}],"totalResults":1}}"#,
    ),
    (
        "Pocket, CSV",
        "title,url,time_added,tags,status\nChips,https://news.example/chips,1795161600,ai|law,unread\n",
    ),
    (
        "Pocket, API",
        r#"{"status":1,"list":{"229279689":{"item_id":"229279689","given_url":"https://news.example/chips?utm=1","given_title":"","resolved_url":"https://news.example/chips","resolved_title":"Chips","excerpt":"A short text.","time_added":"1795161600","is_article":"1","images":{"1":{"src":"https://news.example/i.png"}}}}}"#,
    ),
    (
        "Zotero, CSV",
        "\"Key\",\"Item Type\",\"Publication Year\",\"Author\",\"Title\",\"Publication Title\",\"Url\",\"Abstract Note\",\"Date\",\"Date Added\",\"Manual Tags\",\"Automatic Tags\"\n\"AB\",\"newspaperArticle\",\"2026\",\"Writer, A.\",\"Chips\",\"The Paper\",\"https://news.example/chips\",\"A short text.\",\"2026-11-20 08:00\",\"2026-11-21 08:00:00\",\"ai; law\",\"\"\n",
    ),
    (
        "Zotero, CSL",
        r#"[{"id":"a/1","type":"article-newspaper","title":"Chips","container-title":"The Paper","URL":"https://news.example/chips","abstract":"A short text.","language":"en","author":[{"family":"Writer","given":"A."}],"issued":{"date-parts":[["2026",11,20]]}}]"#,
    ),
    (
        "Zotero, API",
        r#"[{"key":"AB","version":1,"library":{"type":"user","name":"Me"},"data":{"key":"AB","itemType":"newspaperArticle","title":"Chips","creators":[{"firstName":"A.","lastName":"Writer"}],"abstractNote":"A short text.","publicationTitle":"The Paper","date":"2026-11-20","url":"https://news.example/chips","tags":[{"tag":"ai"},{"tag":"law"}]}}]"#,
    ),
    (
        "Raindrop, CSV",
        "id,title,note,excerpt,url,folder,tags,created,cover,highlights,favorite\n1,Chips,,A short text.,https://news.example/chips,Reading,\"ai, law\",2026-11-20T08:00:00.000Z,https://news.example/i.png,,false\n",
    ),
    (
        "Raindrop, API",
        r#"{"result":true,"items":[{"_id":1,"title":"Chips","excerpt":"A short text.","note":"","link":"https://news.example/chips","domain":"news.example","created":"2026-11-20T08:00:00.000Z","tags":["ai","law"],"media":[{"link":"https://news.example/i.png"}],"user":{"$id":3}}]}"#,
    ),
    (
        "JSON Feed",
        r#"{"version":"https://jsonfeed.org/version/1.1","title":"The Paper","home_page_url":"https://news.example/","feed_url":"https://news.example/feed.json","items":[{"id":"1","url":"https://news.example/chips","title":"Chips","content_html":"<p>The whole text.</p>","date_published":"2026-11-20T08:00:00Z","authors":[{"name":"A. Writer"}],"tags":["ai","law"]}]}"#,
    ),
    (
        "WordPress",
        r#"[{"id":1,"date":"2026-11-20T08:00:00","guid":{"rendered":"https://news.example/?p=1"},"link":"https://news.example/chips","title":{"rendered":"Chips"},"content":{"rendered":"<p>The whole text.</p>","protected":false},"excerpt":{"rendered":"<p>A short text.</p>"},"categories":[3],"_links":{"self":[{"href":"https://news.example/wp-json/1"}]}}]"#,
    ),
    (
        "a search engine",
        r#"{"took":1,"hits":{"total":{"value":1},"hits":[{"_index":"news","_id":"1","_score":1.0,"_source":{"title":"Chips","url":"https://news.example/chips","description":"A short text.","published":"2026-11-20T08:00:00Z"}}]}}"#,
    ),
    (
        "schema.org",
        "{\n  \"@type\": \"NewsArticle\",\n  \"headline\": \"Chips\",\n  \"url\": \"https://news.example/chips\",\n  \"datePublished\": \"2026-11-20T08:00:00Z\",\n  \"publisher\": {\"@type\": \"Organization\", \"name\": \"The Paper\"},\n  \"articleBody\": \"The whole text.\",\n  \"keywords\": \"ai, law\"\n}\n",
    ),
    (
        "NYT",
        r#"{"status":"OK","response":{"docs":[{"abstract":"A short text.","web_url":"https://news.example/chips","snippet":"","lead_paragraph":"","source":"The Paper","headline":{"main":"Chips","kicker":null},"pub_date":"2026-11-20T08:00:00+0000","section_name":"Technology","keywords":[{"name":"subject","value":"AI"}]}],"meta":{"hits":1}}}"#,
    ),
    (
        "a feed reader",
        r#"{"id":"user/-/label/x","title":"My list","items":[{"published":1795161600,"title":"Chips","canonical":[{"href":"https://news.example/chips"}],"summary":{"content":"A short text."},"origin":{"title":"The Paper","htmlUrl":"https://news.example/"}}]}"#,
    ),
];

#[test]
fn real_exports_go_in() {
    for (what, file) in EXPORTS {
        let (articles, notes) = found(file);
        let [article] = articles.as_slice() else { panic!("{what}: {articles:?}") };
        assert_eq!(
            (article.title.as_str(), article.url.as_str()),
            ("Chips", "https://news.example/chips"),
            "{what}"
        );
        assert_eq!(article.published_at.date(), "2026-11-20", "{what}: {notes:?}");
        assert!(
            article.source.as_deref().is_none_or(|source| ["The Paper", "news.example"].contains(&source)),
            "{what}: {article:?}"
        );
        for text in [&article.summary, &article.text] {
            let known = |text: &str| {
                text == "Chips" || text == "A short text." || text.starts_with("The whole text.")
            };
            assert!(text.as_deref().is_none_or(known), "{what}: {article:?}");
        }
        if file.contains("short text") || file.contains("short</strong>") {
            assert_eq!(article.summary.as_deref(), Some("A short text."), "{what}");
        }
        if file.contains("whole text") {
            assert!(article.text.is_some(), "{what}");
        }
        if file.contains("The Paper") && what != "JSON Feed" {
            assert_eq!(article.source.as_deref(), Some("The Paper"), "{what}");
        }
        if file.contains("law") {
            assert_eq!(article.tags, ["ai", "law"], "{what}");
        }
        assert!(article.language.as_deref().is_none_or(|tag| tag == "en"), "{what}");
        assert!(
            notes.iter().filter(|note| note.starts_with("Passed over")).count() <= 1,
            "{what}: {notes:?}"
        );
    }
}

#[test]
fn a_document_goes_in_pretty_printed_and_over_lines() {
    let articles = |all: &[String]| found(all.concat()).0.len();
    let line = |number: u32| with("url", format!("https://a.example/{number}").into());
    let (one, two) = (line(1), line(2));
    assert_eq!(articles(&[format!("[{one},{two}]")]), 2);
    assert_eq!(articles(&[format!("[\n{one},\n{two}\n]\n")]), 2);
    assert_eq!(articles(&[format!("[\n  {one}\n, {two}]")]), 2);
    assert_eq!(articles(&[format!("{{\"articles\": [\n{one},\n{two}\n]}}")]), 2);
    let pretty = serde_json::to_string_pretty(
        &serde_json::json!({"data": {"found": [serde_json::from_str::<Value>(&one).unwrap()]}}),
    )
    .unwrap();
    assert_eq!(articles(&[pretty]), 1);
}

#[test]
fn a_bad_article_of_a_document_rejects_itself_only_and_is_told_by_its_number() {
    let good = with("title", "T".into());
    let file = format!(
        "[\n{good},\n{{\"title\": x}},\n{good},\n{},\n{good}, {{\"title\": \"cut",
        with("url", "ftp://x".into())
    );
    let (lines, _) = told(ImportOptions::default(), file.as_bytes()).unwrap();
    let rejected: Vec<Rejected> = lines.iter().filter_map(|line| line.clone().err()).collect();
    assert_eq!(lines.len(), 6);
    assert_eq!(rejected.iter().map(|one| one.line).collect::<Vec<_>>(), [3, 5, 6]);
    assert_eq!(rejected[0].detail, "Article 2: It is not valid JSON. Correct it and import the file again.");
    assert_eq!(rejected[1].detail, "Article 4: The url must start with http:// or https://.");
    assert!(rejected[2].detail.starts_with("Article 6: The file ends in its middle."));
}

#[test]
fn a_large_document_is_not_held() {
    let good = with("title", "T".into());
    let mut reader = Reader::new(ImportOptions::default(), now());
    let mut count = 0;
    let mut take = |reader: &mut Reader, mut piece: &[u8]| {
        while let Some(line) = reader.read(&mut piece).unwrap() {
            count += usize::from(line.is_ok());
        }
    };
    take(&mut reader, b"{\"meta\": \"x\", \"articles\": [");
    for _ in 0..5_000 {
        take(&mut reader, format!("{good},\n").as_bytes());
    }
    take(&mut reader, format!("{{\"title\": \"{}\"}}]}}", "x".repeat(3_000_000)).as_bytes());
    let Stage::Reading(reading) = &reader.stage else { panic!("it reads") };
    assert!(reading.held.capacity() == 0);
    assert_eq!(count, 5_000);
}

#[test]
fn hostile_beginnings_are_looked_at_in_no_time() {
    let started = std::time::Instant::now();
    for piece in [
        "[",
        "{\"a\":",
        "[]",
        "{\"a\":{}},",
        "[[1],",
        "\"",
        "{\"x\":[{",
        "sep=",
        "a;",
        "\t",
        "|,;",
        "{\"title\":\"a\",\"url\":\"b\"},",
    ] {
        let body = piece.repeat(HEAD / piece.len());
        for prefix in ["", "[", "{\"a\": [", "title,url\n"] {
            let _ = told(ImportOptions::default(), format!("{prefix}{body}").as_bytes());
            let _ = preview(format!("{prefix}{body}").as_bytes(), &ImportOptions::default());
        }
    }
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn a_preview_says_what_a_file_would_be_read_as() {
    let (_, file) = kinds().into_iter().find(|(kind, _)| *kind == "windows").unwrap();
    let seen = preview(&file, &ImportOptions::default()).unwrap();
    assert_eq!(
        (seen.format, seen.encoding.as_str(), seen.separator.as_deref()),
        (ImportFormat::Csv, "windows-1252", Some(";"))
    );
    let columns: Vec<_> = seen.columns.iter().map(|column| (column.name.as_str(), column.taken_as)).collect();
    assert_eq!(
        columns,
        [("url", Some(Field::Url)), ("title", Some(Field::Title)), ("text", Some(Field::Text))]
    );
    assert_eq!(seen.rows[0], ["https://a.example/1", "Ärger", "x y"]);
    let asked = preview(b"Was,Wo,Wann\nA,https://a.example,03/04/2026\n", &ImportOptions::default()).unwrap();
    assert_eq!((asked.missing.as_slice(), asked.dates), (&[Field::Title, Field::Url][..], None));
    let options = ImportOptions {
        columns: Choices::parse("Was:title,Wo:url,Wann:published_at").unwrap(),
        ..ImportOptions::default()
    };
    let asked = preview(b"Was,Wo,Wann\nA,https://a.example,03/04/2026\n", &options).unwrap();
    assert_eq!((asked.missing.len(), asked.ambiguous_date.as_deref()), (0, Some("03/04/2026")));
    let long = format!("{{\"title\": \"{}\"}}\n", "x".repeat(245_000)).repeat(2);
    let unseen = preview(long.as_bytes(), &ImportOptions::default()).unwrap();
    assert_eq!((unseen.columns.len(), unseen.missing.len()), (0, 0));
    let (_, json) = EXPORTS[1];
    let seen = preview(json.as_bytes(), &ImportOptions::default()).unwrap();
    assert_eq!(seen.columns[0], PreviewColumn { name: "title".into(), taken_as: Some(Field::Title) });
    let workbook = workbook(&[&["Headline", "Link"], &["A", "https://a.example"]]);
    let seen = preview(&workbook, &ImportOptions::default()).unwrap();
    assert_eq!((seen.format, seen.rows.len(), seen.missing.len()), (ImportFormat::Xlsx, 1, 0));
}
