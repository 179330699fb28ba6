//! Exports as programs write them: found out by their bytes, cut anywhere, gone on from anywhere.

use super::*;

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
    assert!(!found(file("20/11/2026").replace("03/04", "23/04")).1[0].starts_with("Dates"));
    assert_eq!(found(file("11/20/2026")).0[0].published_at.date(), "2026-03-04");
    for undecided in ["05/06/2026", "2026-11-20", "20.11.2026"] {
        let (lines, _) = told(ImportOptions::default(), file(undecided).as_bytes()).unwrap();
        assert!(
            lines[0].as_ref().unwrap_err().detail.contains("no date at the beginning of the file decides"),
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

#[test]
fn a_bad_first_line_costs_no_other() {
    let good = r#"{"title":"B","url":"https://a.example/2","summary":"s"}"#;
    for bad in [
        r#"{"title":null,"url":"https://a.example/1","authors":[{"name":"A"},{"name":"B"}]}"#,
        r#"{"title":"A","tags":[{"name":"A"}],"url":"#,
        r#"{"unheard":"A","unseen":"https://a.example/1","tags":[{"name":"persons","value":"x"}]}"#,
    ] {
        let (lines, _) =
            told(ImportOptions::default(), format!("{bad}\n{good}\n{good}\n").as_bytes()).unwrap();
        assert_eq!((lines.len(), lines.iter().flatten().count()), (3, 2), "{bad}: {lines:?}");
    }
    // A list's own objects are shown, to be mapped by hand, and not what is listed within them.
    let list = br#"[{"unheard":"A","unseen":"https://a.example/1","authors":[{"name":"x"},{"name":"y"}]},
        {"unheard":"B","unseen":"https://a.example/2","authors":[{"name":"x"},{"name":"y"}]}]"#;
    let seen = preview(list, &ImportOptions::default()).unwrap();
    assert!(seen.columns.iter().any(|column| column.name == "unheard"), "{:?}", seen.columns);
}

#[test]
fn a_collection_by_ids_is_one_though_a_member_of_it_is_none() {
    let table = r#"{"0":{"title":"A","url":"https://a.example/1"},"1":{"title":null,"url":"https://a.example/2"},
        "2":{"title":"C","url":"https://a.example/3"}}"#;
    let (lines, _) = told(ImportOptions::default(), table.as_bytes()).unwrap();
    assert_eq!((lines.len(), lines.iter().flatten().count()), (3, 2), "{lines:?}");
}

#[test]
fn of_many_columns_those_that_are_taken_are_shown() {
    let fields: String = (0..100).map(|at| format!("\"a{at:03}\":{at},")).collect();
    let lines = format!("{{{fields}\"title\":\"T\",\"url\":\"https://a.example/1\"}}\n");
    let names: Vec<String> = (0..80).map(|at| format!("a{at}")).collect();
    let values: Vec<String> = (0..80).map(|at| at.to_string()).collect();
    let table = format!("{},title,url\n{},T,https://a.example/1\n", names.join(","), values.join(","));
    for file in [lines, table] {
        let seen = preview(file.as_bytes(), &ImportOptions::default()).unwrap();
        assert!(seen.missing.is_empty() && seen.columns.len() == 60, "{:?}", seen.missing);
        let at = seen.columns.iter().position(|column| column.taken_as == Some(Field::Title)).unwrap();
        assert_eq!(seen.rows[0][at], "T");
    }
}

#[test]
fn a_keyword_is_its_value_and_not_its_kind() {
    let (articles, _) = found(with(
        "keywords",
        serde_json::json!([{"name": "persons", "value": "Doe, Jane"}, {"name": "glocations", "value": "Oslo"}]),
    ));
    assert_eq!(articles[0].tags, ["Doe, Jane", "Oslo"]);
}
