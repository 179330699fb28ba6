//! How good the search is, by the judged set of tests/data: nDCG@10 of words
//! alone, of meaning alone and of both.

use std::collections::HashMap;

use local::ModelChoice;
use serde::Deserialize;
use serde_json::Value;
use tests::{Client, Setup, Workshop};

const SHOWN: usize = 10;

#[derive(Deserialize)]
struct Judged {
    topic: String,
    query: String,
    kind: String,
    /// By URL: 2 answers it, 1 helps; everything else is 0.
    relevant: HashMap<String, f64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_and_meaning_together_find_best() {
    let judged: Vec<Judged> =
        serde_json::from_str(include_str!("../../data/judged.json")).expect("the judged set");
    let workshop = Workshop::start_with(Setup { model: Some(ModelChoice::None), ..Setup::default() }).await;
    let client = workshop.client("ana");
    let mut of: HashMap<&str, Vec<(String, f64)>> = HashMap::new();
    for query in &judged {
        for by in ["words", "meaning", "both"] {
            let gain = ndcg(&search(&client, query, by).await, &query.relevant);
            of.entry(by).or_default().push((query.kind.clone(), gain));
        }
    }
    let mean = |by: &str, kind: Option<&str>| {
        let gains: Vec<f64> = of[by]
            .iter()
            .filter(|(of_kind, _)| kind.is_none_or(|kind| kind == of_kind))
            .map(|(_, gain)| *gain)
            .collect();
        gains.iter().sum::<f64>() / gains.len() as f64
    };
    println!("nDCG@10 over {} queries{:>14}{:>10}{:>10}{:>10}", judged.len(), "words", "meaning", "both", "");
    for kind in [Some("words"), Some("meaning"), Some("mixed"), Some("question"), None] {
        let [words, meaning, both] = ["words", "meaning", "both"].map(|by| mean(by, kind));
        let name = kind.unwrap_or("all");
        println!("  {name:<28}{words:>10.3}{meaning:>10.3}{both:>10.3}");
    }
    let [words, meaning, both] = ["words", "meaning", "both"].map(|by| mean(by, None));
    assert!(both > words && both > meaning, "both is the best: {words:.3} {meaning:.3} {both:.3}");
    workshop.stop().await;
}

/// The URLs found, best first; what was folded into one stands after it, since
/// a reader is shown it there.
async fn search(client: &Client, judged: &Judged, by: &str) -> Vec<String> {
    let mut url = url::Url::parse("http://workshop.invalid").expect("an address");
    url.path_segments_mut().expect("segments").extend(["api", "topics", &judged.topic, "articles"]);
    url.query_pairs_mut()
        .append_pair("query", &judged.query)
        .append_pair("by", by)
        .append_pair("limit", "20");
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    let answer = client.get(&path).await.expect(200);
    // What is shown because nothing was found was not found.
    let found = answer["articles"].as_array().expect("articles");
    let found =
        found.iter().filter(|found| !found["words_rank"].is_null() || !found["meaning_rank"].is_null());
    let mut urls = Vec::new();
    for article in found {
        let text = |of: &Value| of["url"].as_str().expect("an address").to_owned();
        urls.push(text(article));
        let also_at = article["also_at"].as_array().expect("addresses").iter();
        urls.extend(also_at.filter_map(Value::as_str).map(str::to_owned));
        urls.extend(article["similar"].as_array().expect("similar ones").iter().map(text));
    }
    urls.truncate(SHOWN);
    urls
}

/// Discounted cumulative gain over the best there could be (Järvelin and Kekäläinen, 2002).
fn ndcg(found: &[String], relevant: &HashMap<String, f64>) -> f64 {
    let gain = |grades: &mut dyn Iterator<Item = f64>| -> f64 {
        grades.zip(2_u32..).map(|(grade, place)| (grade.exp2() - 1.0) / f64::from(place).log2()).sum()
    };
    let got = gain(&mut found.iter().map(|url| relevant.get(url).copied().unwrap_or(0.0)));
    let mut ideal: Vec<f64> = relevant.values().copied().collect();
    ideal.sort_by(|one, other| other.total_cmp(one));
    got / gain(&mut ideal.into_iter().take(SHOWN))
}
