//! What was deleted is gone from the disk, and what is written doesn't fill it: the files of the machine are searched
//! and measured, past what any of its programs says.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tests::chance::Chance;
use tests::scripted_model::{Play, ScriptedModel};
use tests::{DRAFTS, PROMPT, START, Setup, Workshop};

use super::eventually;

/// A word that nothing else has.
const SECRET: &str = "ZEBRAFINCHQUARTZ";

/// The files under a folder that have a word in them.
fn holding(folder: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(holding(&path, word));
        } else {
            let bytes = std::fs::read(&path).unwrap_or_default();
            if bytes.windows(word.len()).any(|window| window == word.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    entries
        .map(|entry| {
            if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().map_or(0, |m| m.len()) }
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_is_gone_from_the_disk() {
    let model = ScriptedModel::start([Play::answer(&format!("Of {SECRET} the articles do not tell."))]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
    let ada = workshop.client("ada");
    let start = json!({"starting_prompt": format!("{PROMPT} {SECRET}"), "requirements": format!("About {SECRET}"), "draft_name": SECRET});
    let started = ada.post(START, start).await.expect(201);
    let draft = started["draft_id"].as_str().expect("an id");
    let path = format!("{DRAFTS}/{draft}");
    ada.say(draft, &format!("What of {SECRET}?")).await;
    for save in 0..3 {
        ada.put(&path, json!({"draft_content": format!("{PROMPT} {SECRET} {save}")})).await.expect(200);
    }
    let test = ada.test(draft, &format!("What happened to {SECRET}?"), "AI Adoption").await;
    ada.finished(draft, &test, 60).await;
    ada.patch(&format!("{path}/tests/{test}"), json!({"notes": SECRET, "user_rating": 2})).await.expect(200);
    assert!(!holding(workshop.folder(), SECRET).is_empty(), "it is written somewhere");

    ada.delete(&path).await.expect(200);
    eventually("the secret is gone", 60, async || {
        holding(workshop.folder(), SECRET).is_empty().then_some(())
    })
    .await;
    workshop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_saving_does_not_fill_the_disk() {
    let model = ScriptedModel::start([]).await;
    let workshop = Workshop::start_with(Setup { model: model.only(), ..Setup::default() }).await;
    let ada = workshop.client("ada");
    let draft = ada.draft(PROMPT).await;
    let mut chance = Chance::of_seed(1);
    let mut words =
        |count: usize| -> String { (0..count).map(|_| format!("{:x} ", chance.below(1 << 32))).collect() };
    // Texts are packed: of one that repeats itself nothing would be left.
    let text = words(900);
    // What it is made of in any case.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let before = size(workshop.folder());
    for save in 0..1_000 {
        let text = json!({"draft_content": format!("{text}{save} {}", words(3))});
        ada.put(&format!("{DRAFTS}/{draft}"), text).await.expect(200);
    }
    let grown = eventually("the folder has grown by under 2 MB", 60, async || {
        let grown = size(workshop.folder()).saturating_sub(before);
        (grown < 2_000_000).then_some(grown)
    })
    .await;
    println!("  1,000 saves of 8 KB: the folder has grown by {grown} bytes");
    workshop.stop().await;
}
