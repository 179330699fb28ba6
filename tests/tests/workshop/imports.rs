//! Files that are too large for one request: uploaded, imported in the background, watched.

use std::time::Duration;

use local::Machine;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::corpus::upload::{BUDGET, run};
use shared::domain::article::ArticleId;
use shared::domain::large_import::{ATTEMPTS_MAX, LEASE_MS, PATIENCE_MS};
use shared::domain::signature::signature;
use shared::llm::runner::Disposition;
use shared::queue::ImportMessage;
use shared::store::{Handed, TakenUp};
use tests::{Answer, Client, Setup, Workshop};
use tokio::time::Instant;
use url::{Position, Url};
use uuid::Uuid;

use crate::{eventually, nobody_answers, percent_encoded};

/// How long an import may take on busy cores.
const SECONDS: u64 = 240;

/// An address's path and query, on the machine whose client asks.
fn path_of(url: &Url) -> String {
    url[Position::BeforePath..].to_owned()
}

async fn workshop() -> Workshop {
    Workshop::start_with(Setup { sample: false, model: nobody_answers().await, ..Setup::default() }).await
}

/// One whose schedule doesn't come.
async fn unattended() -> Workshop {
    let (model, recover_every) = (nobody_answers().await, Duration::from_secs(3_600));
    Workshop::start_with(Setup { sample: false, model, recover_every, ..Setup::default() }).await
}

fn at(topic: &str) -> String {
    format!("/api/topics/{}/imports", percent_encoded(topic))
}

async fn start(client: &Client, topic: &str, format: &str, bytes: usize) -> Value {
    client.post(&at(topic), json!({"format": format, "bytes": bytes})).await.expect(201)
}

/// The import of a file of which nothing is said but what `order` says.
async fn imported_as(client: &Client, topic: &str, mut order: Value, file: Vec<u8>) -> Value {
    order["bytes"] = json!(file.len());
    let started = client.post(&at(topic), order).await.expect(201);
    assert_eq!(put(client, &started, file).await.status, 200);
    let path = format!("{}/{}", at(topic), id_of(&started));
    client.post(&format!("{path}/run"), json!({})).await.expect(202);
    ended(client, &path).await
}

/// The answer to a file that is sent in one request, whose type says nothing.
async fn sent(client: &Client, topic: &str, query: &str, file: Vec<u8>) -> Answer {
    let path = format!("/api/topics/{}/articles{query}", percent_encoded(topic));
    client.send(client.request(Method::POST, &path).body(file)).await
}

async fn first(client: &Client, topic: &str, query: &str) -> Value {
    let found = client
        .get(&format!("/api/topics/{}/articles?query={query}", percent_encoded(topic)))
        .await
        .expect(200);
    found["articles"][0].clone()
}

const TABLE: &str = "Überschrift;Link;Kurzfassung;Datum;Autor\r\n\
    Häfen wachsen;https://a.example/1;\"Zwei; Zeilen\";20.11.2026;Ada\r\n\
    Schiffe fahren;https://a.example/2;Sie fahren weit.;;Ben\r\n";

fn windows_1252(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a letter of Latin-1")).collect()
}

fn unicode_text(text: &str) -> Vec<u8> {
    format!("\u{feff}{}", text.replace(';', "\t")).encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn workbook(rows: impl IntoIterator<Item = [String; 3]>) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["Headline", "Link", "Description"]).expect("a row");
    for (number, row) in (1..).zip(rows) {
        sheet.write_row(number, 0, row).expect("a row");
    }
    workbook.save_to_buffer().expect("a workbook")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_export_goes_in_by_either_way() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let document = json!({"status": "ok", "articles": [
        {"source": {"name": "The Paper"}, "title": "Häfen wachsen", "description": "Two lines.", "author": "Ada",
         "url": "https://a.example/1", "publishedAt": "2026-11-20T00:00:00Z"},
        {"title": "Schiffe fahren", "url": "https://a.example/2", "description": "They go far.", "author": "Ben"},
    ]});
    let rows = [("Häfen wachsen", 1), ("Schiffe fahren", 2)];
    let rows =
        rows.map(|(title, number)| [title.to_owned(), format!("https://a.example/{number}"), "S".to_owned()]);
    for (kind, format, file, passed_over) in [
        ("windows", "csv", windows_1252(TABLE), "\"Autor\""),
        ("unicode", "csv", unicode_text(TABLE), "\"Autor\""),
        ("document", "json", document.to_string().into_bytes(), "\"author\""),
        ("workbook", "xlsx", workbook(rows), ""),
    ] {
        let (at_once, later) = (format!("{kind} at once"), format!("{kind} later"));
        let output = sent(&ana, &at_once, "", file.clone()).await.expect(200);
        let import = imported_as(&ana, &later, json!({}), file).await;
        assert_eq!((&import["status"], &import["format"]), (&json!("finished"), &json!(format)), "{import}");
        assert_eq!(import["bytes_read"], import["bytes"], "{import}");
        for (told, topic) in [(output, at_once), (import, later)] {
            assert_eq!(counts(&told), [2, 0, 0, 0], "{kind}: {told}");
            let notes: Vec<_> =
                told["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
            let says = |words: &str| notes.iter().filter(|note| note.contains(words)).count();
            assert_eq!(says("Passed over"), usize::from(!passed_over.is_empty()), "{kind}: {notes:?}");
            assert!(passed_over.is_empty() || says(passed_over) == 1, "{kind}: {notes:?}");
            assert_eq!(says("no date"), 1, "{kind}: {notes:?}");
            assert_eq!(first(&ana, &topic, "wachsen").await["title"], "Häfen wachsen", "{kind}");
        }
    }
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_says_what_columns_and_dates_are_and_looks_before() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let file = || b"Was,Wo,Wann,summary\nPorts grow,https://a.example/1,03/04/2026,S\n".to_vec();
    let seen = sent(&ana, "Ports", "?preview=yes", file()).await.expect(200);
    assert_eq!(seen["preview"]["missing"], json!(["title", "url"]), "{seen}");
    assert_eq!(seen["preview"]["rows"][0][0], "Ports grow", "{seen}");
    let problem = sent(&ana, "Ports", "", file()).await.expect_problem(422, "invalid");
    assert!(problem.to_string().contains("columns=NAME:title"), "{problem}");

    let columns = "Was:title,Wo:url,Wann:published_at,summary:-";
    let seen = sent(&ana, "Ports", &format!("?preview=yes&columns={columns}"), file()).await.expect(200);
    let preview = &seen["preview"];
    assert_eq!(
        (&preview["missing"], &preview["ambiguous_date"]),
        (&json!([]), &json!("03/04/2026")),
        "{seen}"
    );
    assert_eq!(ana.get("/api/topics").await.expect(200), json!([]), "nothing was imported");

    let undecided = sent(&ana, "Ports", &format!("?columns={columns}"), file()).await.expect(200);
    assert!(undecided["rejected"][0]["detail"].as_str().is_some_and(|told| told.contains("dates=day-first")));
    let output =
        sent(&ana, "Ports", &format!("?columns={columns}&dates=month-first"), file()).await.expect(200);
    assert_eq!(counts(&output), [1, 0, 0, 0], "{output}");
    let article = first(&ana, "Ports", "ports").await;
    assert_eq!(article["published_at"], "2026-03-04T00:00:00.000Z", "{article}");
    assert_eq!(article["summary"], "Ports grow", "its own was to be passed over: {article}");
    let order = json!({"columns": columns, "dates": "day-first"});
    let import = imported_as(&ana, "Ports", order, file()).await;
    assert_eq!(counts(&import), [0, 1, 0, 0], "{import}");
    assert_eq!(first(&ana, "Ports", "ports").await["published_at"], "2026-04-03T00:00:00.000Z");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_time_is_up_in_the_middle_of_any_file_lets_another_go_on() {
    let workshop = unattended().await;
    let ana = workshop.client("ana");
    const ARTICLES: usize = 700;
    let parts = |number: usize| {
        let article: Value = serde_json::from_str(&line(number)).expect("an article");
        ["title", "url", "summary"].map(|name| article[name].as_str().expect("a text").to_owned())
    };
    // More than is read at a time, in each.
    let padding = "Ü".repeat(1_500);
    let table: String =
        (0..ARTICLES).map(|number| format!("{};{padding}\r\n", parts(number).join(";"))).collect();
    let table = format!("title;url;Kurzfassung;Anderes\r\n{table}");
    let elements: Vec<String> = (0..ARTICLES)
        .map(|number| {
            let [title, url, summary] = parts(number);
            json!({"headline": title, "link": url, "teaser": summary, "other": padding}).to_string()
        })
        .collect();
    for (kind, file) in [
        ("table", windows_1252(&table)),
        ("wide", unicode_text(&table)),
        ("document", format!("{{\"data\": {{\"items\": [{}]}}}}", elements.join(",")).into_bytes()),
        ("workbook", workbook((0..ARTICLES).map(parts))),
    ] {
        let started = start(&ana, kind, "csv", file.len()).await;
        assert_eq!(put(&ana, &started, file.clone()).await.status, 200);
        let id = id_of(&started);
        hand_over(&workshop.machine, "ana", id).await;
        let done = run(workshop.machine.app(), ImportMessage { import_id: id }, Duration::ZERO).await;
        assert_eq!(done.expect("the store answers"), Disposition::Done, "{kind}");
        let import = ended(&ana, &format!("{}/{id}", at(kind))).await;
        assert_eq!(import["status"], "finished", "{kind}: {import}");
        assert_eq!(counts(&import), [ARTICLES as u64, 0, 0, 0], "{kind}: {import}");
        assert_eq!(import["bytes_read"], json!(file.len()), "{kind}");
        assert_eq!(articles(&ana, kind).await, ARTICLES as u64, "{kind}");
    }
    workshop.stop().await;
}

/// Sends the file where the answer to a start says: without a token.
async fn put(client: &Client, started: &Value, file: impl Into<reqwest::Body>) -> Answer {
    let upload = &started["upload"];
    assert_eq!((&upload["method"], &upload["headers"]), (&json!("PUT"), &json!({})), "{upload}");
    let nobody = client.without_token();
    nobody.send(nobody.request(Method::PUT, &path_of(&url_of(started))).body(file)).await
}

fn url_of(started: &Value) -> Url {
    started["upload"]["url"].as_str().expect("an address").parse().expect("an absolute address")
}

fn id_of(started: &Value) -> Uuid {
    started["import"]["id"].as_str().expect("an id").parse().expect("a UUID")
}

/// Starts an import and sends its file; its path and id.
async fn uploaded(client: &Client, topic: &str, format: &str, file: &str) -> (String, Uuid) {
    let started = start(client, topic, format, file.len()).await;
    let sent = put(client, &started, file.to_owned()).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let id = id_of(&started);
    (format!("{}/{id}", at(topic)), id)
}

/// The import of a file, once it has ended.
async fn imported(client: &Client, topic: &str, format: &str, file: &str) -> Value {
    let (path, _) = uploaded(client, topic, format, file).await;
    client.post(&format!("{path}/run"), json!({})).await.expect(202);
    ended(client, &path).await
}

async fn ended(client: &Client, path: &str) -> Value {
    let look = async || {
        let import = client.get(path).await.expect(200);
        matches!(import["status"].as_str(), Some("finished" | "failed")).then_some(import)
    };
    eventually("the import ends", SECONDS, look).await
}

/// Added, updated, duplicates and rejected.
fn counts(import: &Value) -> [u64; 4] {
    ["added", "updated", "duplicates", "rejected_total"].map(|name| import[name].as_u64().expect("a number"))
}

async fn articles(client: &Client, topic: &str) -> u64 {
    let topics = client.get("/api/topics").await.expect(200);
    let topic = topics.as_array().expect("topics").iter().find(|one| one["name"] == topic);
    topic.map_or(0, |topic| topic["article_count"].as_u64().expect("a number"))
}

/// A line of an article that is like no other.
fn line(number: usize) -> String {
    let words: Vec<_> =
        (1..30_usize).map(|word| format!("w{}", number * 7_919 + word * word * 104_729)).collect();
    let article = json!({
        "title": format!("Report {number} of the harbour"), "url": format!("https://harbour.example/{number}"),
        "summary": words.join(" "), "source": "Harbour Post", "published_at": "2026-11-01T08:00:00Z",
    });
    format!("{article}\n")
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    numbers.map(line).collect()
}

/// A line that is too long to be taken, and quickly read.
fn long_line() -> String {
    format!("{{\"title\": \"{}\"}}\n", "x".repeat(245_000))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_12_mb_is_imported_in_the_background_and_again_changes_nothing() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    // Every eighth line is bad, in turn too long and not JSON.
    let file: String = (0..800)
        .map(|number| match number % 16 {
            0 => long_line(),
            8 => "no JSON\n".to_owned(),
            _ => line(number),
        })
        .collect();
    assert!(file.len() > 12_000_000, "{}", file.len());

    let first = imported(&ana, "Ports", "jsonl", &file).await;
    assert_eq!((&first["status"], &first["error"]), (&json!("finished"), &Value::Null), "{first}");
    assert_eq!(counts(&first), [700, 0, 0, 100], "{first}");
    assert_eq!((&first["bytes"], &first["bytes_read"]), (&json!(file.len()), &json!(file.len())));
    let rejected = first["rejected"].as_array().expect("the rejected");
    let numbers: Vec<_> = rejected.iter().map(|line| line["line"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (0..100).map(|number| 1 + 8 * number).collect::<Vec<_>>());
    let details: Vec<_> = rejected.iter().map(|line| line["detail"].as_str().expect("a sentence")).collect();
    assert!(
        details[0].contains("longer than 200 KB") && details[1].contains("not valid JSON"),
        "{details:?}"
    );
    assert!(first["finished_at"].is_string() && first["updated_at"] == first["finished_at"], "{first}");
    assert_eq!(articles(&ana, "Ports").await, 700);

    let again = imported(&ana, "Ports", "jsonl", &file).await;
    assert_eq!(counts(&again), [0, 700, 0, 100], "{again}");
    assert_eq!(articles(&ana, "Ports").await, 700);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_csv_file_with_quotes_line_breaks_a_byte_order_mark_and_a_row_of_a_million_characters() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let file = format!(
        "\u{feff}url,title,summary,tags\r\n\
         https://a.example/1,\"Ports, \"\"free\"\" at last\",\"Two\r\nlines, über all.\",a;b\r\n\
         https://a.example/2,Long,{},\r\n\
         https://a.example/3,Longer,{},\r\n\
         https://a.example/4,,No title,\r\n\
         https://a.example/5,The last,\"Its end is that of the file.\",",
        "x".repeat(1_000_000),
        "y".repeat(3_000_000),
    );
    let import = imported(&ana, "Häfen & Seewege / 2026", "csv", &file).await;
    assert_eq!(counts(&import), [2, 0, 0, 3], "{import}");
    assert_eq!(import["topic"], "Häfen & Seewege / 2026");
    let told: Vec<_> =
        import["rejected"].as_array().expect("rejected").iter().map(|line| &line["line"]).collect();
    assert_eq!(told, [4, 5, 6]);
    let found =
        ana.get("/api/topics/H%C3%A4fen%20%26%20Seewege%20%2F%202026/articles?query=free").await.expect(200);
    assert_eq!(found["articles"][0]["title"], "Ports, \"free\" at last", "{found}");
    assert_eq!(found["articles"][0]["summary"], "Two\nlines, über all.", "{found}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_its_owners_alone_and_under_its_own_topic() {
    let workshop = workshop().await;
    let (ana, ben) = (workshop.client("ana"), workshop.client("ben"));
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &lines(0..2)).await;
    for other in [&path, &format!("{}/{id}", at("Ships")), &format!("{}/{}", at("Ports"), Uuid::nil())] {
        let client = if *other == path { &ben } else { &ana };
        client.get(other).await.expect_problem(404, "not-found");
        client.post(&format!("{other}/run"), json!({})).await.expect_problem(404, "not-found");
    }
    let import = ana.get(&path).await.expect(200);
    assert_eq!((&import["status"], &import["bytes_read"]), (&json!("uploading"), &json!(0)), "{import}");
    workshop.machine.clock().advance(Duration::from_secs(7 * 24 * 60 * 60));
    workshop.client("ana").get(&path).await.expect_problem(404, "not-found");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_imported_is_refused_before_it_is_sent() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    for (order, pointer) in [
        (json!({"format": "jsonl", "bytes": 0}), "/bytes"),
        (json!({"format": "jsonl", "bytes": 200_000_001}), "/bytes"),
        (json!({"format": "xml", "bytes": 1}), "/format"),
        (json!({"bytes": 1, "columns": "Headline"}), "/columns"),
        (json!({"bytes": 1, "dates": "dd/mm"}), "/dates"),
        (json!({"format": "csv"}), "/bytes"),
    ] {
        let problem = ana.post(&at("Ports"), order).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let order = json!({"format": "csv", "bytes": 200_000_000});
    ana.post("/api/topics/%20/imports", order.clone()).await.expect_problem(422, "invalid");
    ana.post(&at("Ports"), order).await.expect(201);
    assert_eq!(ana.get("/api/topics").await.expect(200), json!([]), "no topic was made");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_cannot_be_read_fails_and_says_what_to_do() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let failed = async |format: &str, file: Option<(&str, usize)>| {
        let started = start(&ana, "Ports", format, file.map_or(9, |(_, bytes)| bytes)).await;
        if let Some((file, _)) = file {
            // Past the product, whose address takes the length that was announced only.
            let uploads = workshop.machine.app().uploads();
            let key = id_of(&started).to_string();
            let now = workshop.machine.clock().now();
            let target = uploads.target(&key, file.len() as u64, now).await.expect("an address");
            let sent = ana.send(ana.request(Method::PUT, &path_of(&target.url)).body(file.to_owned())).await;
            assert_eq!(sent.status, 200, "{}", sent.text);
        }
        // What isn't there is refused at once; past that, it is for the worker to see.
        hand_over(&workshop.machine, "ana", id_of(&started)).await;
        let message = ImportMessage { import_id: id_of(&started) };
        workshop.machine.app().imports_queue().announce(message).await.expect("the queue answers");
        let import = ended(&ana, &format!("{}/{}", at("Ports"), id_of(&started))).await;
        assert_eq!(import["status"], "failed", "{import}");
        import["error"].as_str().expect("a sentence").to_owned()
    };
    let sentence = failed("jsonl", None).await;
    assert!(sentence.starts_with("The file was not uploaded"), "{sentence}");
    let good = line(1);
    let sentence = failed("jsonl", Some((&good, good.len() + 5))).await;
    assert!(
        sentence.contains(&format!("has {} bytes where {} were", good.len(), good.len() + 5)),
        "{sentence}"
    );
    let header = "Was;Wo;Wann\n";
    let sentence = failed("csv", Some((header, header.len()))).await;
    assert!(
        sentence.contains(r#"Its columns are "Was", "Wo", "Wann""#)
            && sentence.contains("Nothing was imported"),
        "{sentence}"
    );
    assert_eq!(ana.get("/api/topics").await.expect(200), json!([]), "no topic was made");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_takes_its_own_file_only_and_gives_none_back() {
    let workshop = unattended().await;
    let ana = workshop.client("ana");
    let started = start(&ana, "Ports", "jsonl", 10).await;
    let url = path_of(&url_of(&started));
    let id = id_of(&started).to_string();
    let nobody = workshop.anonymous();
    let send = async |method: Method, url: &str, body: &str| {
        nobody.send(nobody.request(method, url).body(body.to_owned())).await.status
    };
    let refused = |what: &str, status: StatusCode| assert!(status.is_client_error(), "{what}: {status}");
    refused("another file", send(Method::PUT, &url.replace(&id, "other"), "0123456789").await);
    refused("a longer file", send(Method::PUT, &url, "0123456789A").await);
    refused("a shorter file", send(Method::PUT, &url, "012345678").await);
    // More than any buffer on the way holds: it is heard of all the same.
    refused("a far longer file", send(Method::PUT, &url, &"0".repeat(20_000_000)).await);
    refused("another verb", send(Method::GET, &url, "").await);
    refused("no signature", send(Method::PUT, &format!("/uploads/{id}"), "0123456789").await);
    refused(
        "a longer life",
        send(Method::PUT, &url.replace("Expires=3600", "Expires=7200"), "0123456789").await,
    );
    refused("the list of files", send(Method::GET, "/uploads/?list-type=2", "").await);
    refused("the engine's own files", send(Method::GET, "/uploads/..%2F.bucket", "").await);
    // Without a length, in chunks.
    let chunks = futures::stream::iter(["01234", "56789", "ABCDE"].map(Ok::<_, std::io::Error>));
    let chunked = nobody.request(Method::PUT, &url).body(reqwest::Body::wrap_stream(chunks));
    refused("a file of no length", nobody.send(chunked).await.status);

    let uploads = workshop.machine.app().uploads();
    let now = workshop.machine.clock().now();
    let earlier = uploads.target(&id, 10, now.plus_millis(-3_601_000)).await.expect("an address");
    refused("an address that has expired", send(Method::PUT, &path_of(&earlier.url), "0123456789").await);
    let before = uploads.read(&id, 0, 10, now).await;
    assert!(matches!(before, Err(shared::uploads::UploadError::Absent)), "nothing was kept of all that");

    // A page of the workshop's sends; one of another site doesn't.
    let page = |origin: &str| nobody.request(Method::PUT, &url).header("origin", origin).body("0123456789");
    refused("another site", nobody.send(page("https://elsewhere.example")).await.status);
    let own = workshop.machine.url();
    assert_eq!(nobody.send(page(&own)).await.status, 200);
    let read = uploads.read(&id, 2, 5, now).await.expect("a part");
    assert_eq!((&read.bytes[..], read.total), (&b"23456"[..], 10));
    let other_name = own.replace("127.0.0.1", "localhost");
    let by_name = reqwest::Client::builder().no_proxy().build().expect("a client");
    let sent = by_name.put(format!("{other_name}{url}")).body("abcdefghij").send().await.expect("an answer");
    assert_eq!(sent.status(), 200, "by the machine's other name");
    uploads.remove(&id, now).await.expect("it goes");
    assert!(uploads.read(&id, 0, 10, now).await.is_err());
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_not_run_before_its_file_is_whole() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let started = start(&ana, "Ports", "jsonl", 20).await;
    let run = format!("{}/{}/run", at("Ports"), id_of(&started));
    let refused = async |words: &str| {
        let problem = ana.post(&run, json!({})).await.expect_problem(409, "conflict");
        let sentence = problem["detail"].as_str().expect("a sentence");
        assert!(sentence.contains(words) && sentence.contains("Nothing was imported"), "{sentence}");
    };
    refused("not uploaded yet").await;
    // Past the product, whose address takes the length that was announced only.
    let (uploads, now) = (workshop.machine.app().uploads(), workshop.machine.clock().now());
    let target = uploads.target(&id_of(&started).to_string(), 10, now).await.expect("an address");
    let sent = ana.send(ana.request(Method::PUT, &path_of(&target.url)).body("no JSON\n\n\n")).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    refused("has 10 bytes where 20 were announced").await;
    // Sent as announced, it is.
    assert_eq!(put(&ana, &started, "no JSON, either.\n\n\n\n").await.status, 200);
    ana.post(&run, json!({})).await.expect(202);
    let import = ended(&ana, run.trim_end_matches("/run")).await;
    assert_eq!(counts(&import), [0, 0, 0, 1], "{import}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_of_an_import_changes_nothing_and_says_how_it_stands() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &lines(0..3)).await;
    let run_again = async || ana.post(&format!("{path}/run"), json!({})).await.expect(202);
    let first = run_again().await;
    assert_eq!(first["status"], "queued", "{first}");
    run_again().await;
    let import = ended(&ana, &path).await;
    assert_eq!(counts(&import), [3, 0, 0, 0], "{import}");
    assert_eq!(run_again().await, import);
    assert_eq!(ana.get(&path).await.expect(200), import);
    // Nor does a message that comes once more.
    let message = ImportMessage { import_id: id };
    let done = run(workshop.machine.app(), message, BUDGET).await.expect("the store answers");
    assert_eq!(done, Disposition::Done);
    assert_eq!(ana.get(&path).await.expect(200), import);
    let left =
        workshop.machine.app().uploads().read(&id.to_string(), 0, 1, workshop.machine.clock().now()).await;
    assert!(left.is_err(), "the file is gone");
    workshop.stop().await;
}

/// Hands an import over to the worker without a word to the queue.
async fn hand_over(machine: &Machine, owner: &str, id: Uuid) {
    let handed = machine.store().imports.hand_over(owner, id, machine.clock().now()).await;
    assert!(matches!(handed, Ok(Handed::Queued(_))), "{handed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_dies_half_way_loses_nothing_and_counts_nothing_twice() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    // The middle is more than one batch takes.
    const ARTICLES: usize = 900;
    let file = lines(0..100) + &long_line().repeat(13) + &lines(100..ARTICLES);
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &file).await;
    let machine = &workshop.machine;
    hand_over(machine, "ana", id).await;
    let worker = tokio::spawn(run(machine.app(), ImportMessage { import_id: id }, BUDGET));
    let begun = async || {
        let import = ana.get(&path).await.expect(200);
        (import["bytes_read"].as_u64() > Some(0)).then_some(import)
    };
    let begun = eventually("a batch is recorded", SECONDS, begun).await;
    worker.abort();
    assert!(worker.await.is_err_and(|ended| ended.is_cancelled()), "it died before its end");
    assert_eq!((&begun["status"], counts(&begun)[0] < ARTICLES as u64), (&json!("running"), true), "{begun}");

    // Its lease holds: nobody else goes on.
    let early = run(machine.app(), ImportMessage { import_id: id }, BUDGET).await.expect("the store answers");
    assert_eq!(early, Disposition::Done);
    assert_eq!(ana.get(&path).await.expect(200)["status"], "running");

    machine.clock().advance(Duration::from_millis(LEASE_MS.unsigned_abs()));
    let import = ended(&workshop.client("ana"), &path).await;
    assert_eq!(
        (&import["status"], &import["bytes_read"]),
        (&json!("finished"), &import["bytes"]),
        "{import}"
    );
    let [added, updated, duplicates, rejected] = counts(&import);
    assert_eq!((added + updated, duplicates, rejected), (ARTICLES as u64, 0, 13), "{import}");
    assert_eq!(articles(&ana, "Ports").await, ARTICLES as u64);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_article_whose_import_died_before_it_was_written_is_not_its_own_copy() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let article: Value = serde_json::from_str(&line(1)).expect("an article");
    let text = |name: &str| article[name].as_str().expect("a text");
    // What copies are recognised by is written first.
    let signature = signature(text("title"), text("summary"));
    let id = ArticleId::of(text("url"));
    let stories = &workshop.machine.store().stories;
    let mut additions = stories.additions("Ports", [(id, signature.keys().to_vec())].into_iter(), 0);
    assert!(additions.make(Instant::now()).await.expect("the store answers"));
    let again = imported(&ana, "Ports", "jsonl", &line(1)).await;
    assert_eq!(counts(&again), [1, 0, 0, 0], "{again}");
    let copy = line(1).replace("harbour.example/1", "elsewhere.example/1");
    let copied = imported(&ana, "Ports", "jsonl", &copy).await;
    assert_eq!(counts(&copied), [0, 0, 1, 0], "{copied}");
    assert_eq!(articles(&ana, "Ports").await, 1);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_whose_time_is_up_lets_another_go_on() {
    let workshop = unattended().await;
    let ana = workshop.client("ana");
    // More than is read at a time.
    let file = lines(0..100) + &long_line().repeat(5) + &lines(100..200);
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &file).await;
    hand_over(&workshop.machine, "ana", id).await;
    let done = run(workshop.machine.app(), ImportMessage { import_id: id }, Duration::ZERO).await;
    assert_eq!(done.expect("the store answers"), Disposition::Done);
    // It sent a message for the rest.
    let import = ended(&ana, &path).await;
    assert_eq!(counts(&import), [200, 0, 0, 5], "{import}");
    assert_eq!(articles(&ana, "Ports").await, 200);
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_whose_message_was_lost_is_taken_up_all_the_same() {
    let workshop = workshop().await;
    let ana = workshop.client("ana");
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &lines(0..3)).await;
    hand_over(&workshop.machine, "ana", id).await;
    workshop.machine.clock().advance(Duration::from_millis(PATIENCE_MS.unsigned_abs()));
    let import = ended(&workshop.client("ana"), &path).await;
    assert_eq!(counts(&import), [3, 0, 0, 0], "{import}");
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_gets_nowhere_is_given_up_after_three_tries() {
    let workshop = unattended().await;
    let ana = workshop.client("ana");
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &lines(0..3)).await;
    let machine = &workshop.machine;
    hand_over(machine, "ana", id).await;
    for attempt in 1..=ATTEMPTS_MAX {
        let taken = machine
            .store()
            .imports
            .take_up(id, Uuid::from_u128(u128::from(attempt)), machine.clock().now())
            .await;
        assert!(matches!(taken, Ok(TakenUp::Mine(_))), "{attempt}: {taken:?}");
        machine.clock().advance(Duration::from_millis(LEASE_MS.unsigned_abs()));
    }
    let done = run(machine.app(), ImportMessage { import_id: id }, BUDGET).await.expect("the store answers");
    assert_eq!(done, Disposition::Done);
    let import = workshop.client("ana").get(&path).await.expect(200);
    let error = import["error"].as_str().expect("a sentence");
    assert!(
        import["status"] == "failed" && error.contains("tried several times. Nothing was imported"),
        "{import}"
    );
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_fails_is_tried_three_times() {
    let workshop = unattended().await;
    let ana = workshop.client("ana");
    let (path, id) = uploaded(&ana, "Ports", "jsonl", &lines(0..3)).await;
    let machine = &workshop.machine;
    hand_over(machine, "ana", id).await;
    // Signed in another hour, every address is refused.
    machine.clock().advance(Duration::from_secs(60 * 60));
    for attempt in 1..=ATTEMPTS_MAX {
        let done =
            run(machine.app(), ImportMessage { import_id: id }, BUDGET).await.expect("the store answers");
        let wanted = if attempt < ATTEMPTS_MAX { Disposition::Again(5) } else { Disposition::Done };
        assert_eq!(done, wanted, "{attempt}");
    }
    let import = workshop.client("ana").get(&path).await.expect(200);
    assert_eq!(import["status"], "failed", "{import}");
    workshop.stop().await;
}
