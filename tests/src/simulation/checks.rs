//! What must hold after any schedule, read from the store past the product.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};

use super::ledger::{KnownDraft, call};
use super::model::Play;
use super::schedule::Ended;
use super::{NARROW, World};

/// A draft is kept for this long after the last activity, less what clocks differ by.
const KEPT_MS: i64 = 30 * 86_400_000 - 10_000;

/// Counters of a minute are kept for two days, those of a day for forty.
const MINUTES_KEPT_MS: i64 = 47 * 3_600_000;
const DAYS_KEPT_MS: i64 = 39 * 86_400_000;

type Items = Vec<Value>;

fn plain(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap_or(Value::Null),
        AttributeValue::Bool(is) => json!(is),
        AttributeValue::L(list) => list.iter().map(plain).collect(),
        AttributeValue::M(map) => {
            map.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>().into()
        }
        _ => Value::Null,
    }
}

/// Every item of a table.
async fn items(world: &World, table: &str) -> Items {
    let client = world.places[0].wide.dynamodb_client();
    let (mut items, mut start) = (Vec::new(), None);
    loop {
        let scan = client.scan().table_name(format!("workshop-{table}")).set_exclusive_start_key(start);
        let page = scan.send().await.expect("a page");
        for item in page.items.unwrap_or_default() {
            let item: Map<_, _> = item.iter().map(|(name, value)| (name.clone(), plain(value))).collect();
            items.push(Value::from(item));
        }
        start = page.last_evaluated_key;
        if start.is_none() {
            return items;
        }
    }
}

/// Whether a run or an answer has not come to its end.
pub async fn anything_open(world: &World) -> bool {
    items(world, "drafts").await.iter().any(|item| item["open_pk"].is_string())
}

fn text<'a>(item: &'a Value, name: &str) -> &'a str {
    item[name].as_str().unwrap_or_default()
}

fn number(item: &Value, name: &str) -> i64 {
    item[name].as_i64().unwrap_or_default()
}

/// What must hold, or what does not.
fn hold(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

/// The sum of an attribute over items.
fn sum(items: &[&Value], name: &str) -> i64 {
    items.iter().map(|item| number(item, name)).sum()
}

/// Looks at everything.
pub async fn check(ended: &Ended<'_>) -> Result<(), String> {
    let world = ended.world;
    let (drafts, usage) = (items(world, "drafts").await, items(world, "usage").await);
    let library = items(world, "library").await;
    hold(ended.queue_is_empty, || "a message is left in the queue".to_owned())?;
    nothing_without_its_draft(&drafts)?;
    runs(ended, &drafts)?;
    one_model_call_a_worker(ended)?;
    counters(ended, &drafts, &usage, &library)?;
    texts(ended, &drafts).await?;
    prompts(ended, &drafts, &library, &usage)
}

fn metas(drafts: &Items) -> impl Iterator<Item = &Value> {
    drafts.iter().filter(|item| text(item, "sk") == "META")
}

fn nothing_without_its_draft(drafts: &Items) -> Result<(), String> {
    for item in drafts.iter().filter(|item| text(item, "pk").starts_with("DRAFT#")) {
        let there = metas(drafts).any(|meta| meta["pk"] == item["pk"]);
        hold(there, || format!("{} {} outlives its draft", item["pk"], item["sk"]))?;
    }
    Ok(())
}

/// Whether something may have removed a draft: someone, or time.
fn may_be_gone(ended: &Ended<'_>, draft: &KnownDraft) -> bool {
    draft.deletion.0 || ended.world.clock.now().as_millis() - draft.active >= KEPT_MS
}

/// Every run that was acknowledged is there, has ended, and says what one call
/// of the model said.
fn runs(ended: &Ended<'_>, drafts: &Items) -> Result<(), String> {
    let runs: Items = drafts.iter().filter(|item| text(item, "sk").starts_with("RUN#")).cloned().collect();
    for run in &runs {
        let (query, status) = (text(run, "test_query"), text(run, "status"));
        let is_final = matches!(status, "succeeded" | "failed" | "cancelled");
        let is_clean = ["open_pk", "lease_id", "reserved"].iter().all(|name| run[name].is_null());
        hold(is_final && is_clean && run["finished_at"].is_string(), || format!("not ended: {run}"))?;
        let twins = runs.iter().filter(|other| text(other, "test_query") == query).count();
        hold(twins == 1, || format!("\"{query}\" was started {twins} times"))?;
        let id = text(run, "sk").trim_start_matches("RUN#");
        let output =
            drafts.iter().find(|item| item["pk"] == run["pk"] && text(item, "sk") == format!("OUT#{id}"));
        let answer = output.map(|output| text(output, "answer")).unwrap_or_default();
        let said = |whole: bool| {
            ended.calls.iter().any(|call| {
                call.query == query
                    && if whole {
                        call.play == Play::Answers && call.answer == answer
                    } else {
                        call.answer.starts_with(answer)
                    }
            })
        };
        hold(answer.is_empty() || said(false), || format!("nobody said \"{answer}\" to \"{query}\""))?;
        hold(status != "succeeded" || said(true), || format!("no call ended with \"{answer}\": {run}"))?;
        let count = answer.chars().count() as i64;
        hold(number(run, "response_length") == count, || format!("{count} characters are kept: {run}"))?;
        if let Some(rating) = ended.ledger.rated.get(query) {
            hold(run["user_rating"] == json!(rating), || format!("its rating {rating} is lost: {run}"))?;
        }
        if ended.ledger.cancelled.iter().any(|cancelled| cancelled == query) {
            hold(status == "cancelled", || format!("its cancellation was acknowledged: {run}"))?;
        }
    }
    for (query, (id, draft, _)) in &ended.ledger.tests {
        let known = &ended.ledger.drafts[*draft];
        let there = runs.iter().any(|run| text(run, "sk") == format!("RUN#{id}"));
        hold(there || may_be_gone(ended, known), || format!("the test of \"{query}\" is lost"))?;
    }
    Ok(())
}

/// A run's model is called again only when the worker before was interrupted.
fn one_model_call_a_worker(ended: &Ended<'_>) -> Result<(), String> {
    let mut workers: BTreeMap<&str, Vec<(usize, usize, Play)>> = BTreeMap::new();
    for call in ended.calls {
        let of_query = workers.entry(&call.query).or_default();
        match of_query.iter_mut().find(|(actor, ..)| *actor == call.actor) {
            Some((_, times, _)) => *times += 1,
            None => of_query.push((call.actor, 1, call.play)),
        }
    }
    for (query, workers) in workers {
        for (actor, times, _) in &workers {
            hold(*times == 1, || format!("worker {actor} called the model {times} times for \"{query}\""))?;
        }
        let uninterrupted = workers.iter().filter(|(actor, _, play)| {
            let worked = ended.worked.iter().find(|worked| worked.actor == *actor);
            *play != Play::LimitsRate && worked.is_some_and(|worked| !worked.interrupted)
        });
        let count = uninterrupted.count();
        hold(count <= 1, || format!("{count} workers called the model for \"{query}\", undisturbed"))?;
    }
    Ok(())
}

/// Limits, quotas and the day's figures say what the store holds.
fn counters(ended: &Ended<'_>, drafts: &Items, usage: &Items, library: &Items) -> Result<(), String> {
    let of = |pk: &str, sk: &str| -> Vec<&Value> {
        usage
            .iter()
            .filter(|item| text(item, "pk").starts_with(pk) && text(item, "sk").starts_with(sk))
            .collect()
    };
    let (days, everyone, figures) = (of("QUOTA#", "DAY#"), of("DEPLOYMENT", "DAY#"), of("METRICS", "DAY#"));
    if ended.took >= DAYS_KEPT_MS {
        return Ok(());
    }
    let (micros, cost) = (sum(&days, "micros"), sum(&figures, "cost_micros"));
    let (tokens, counted) = (sum(&days, "tokens"), sum(&figures, "tokens_in") + sum(&figures, "tokens_out"));
    hold(micros == cost && micros == sum(&everyone, "micros"), || {
        format!("users spent {micros}, all {}, the figures say {cost}", sum(&everyone, "micros"))
    })?;
    hold(tokens == counted, || format!("users took {tokens} tokens, the figures say {counted}"))?;
    let (started, admitted) = (sum(&figures, "tests_started"), sum(&days, "runs"));
    hold(started == admitted, || format!("{started} tests were started, {admitted} counted as admitted"))?;
    let minutes = sum(&of("QUOTA#", "MINUTE#runs"), "calls");
    hold(minutes == admitted || ended.took >= MINUTES_KEPT_MS, || {
        format!("{minutes} starts were counted by the minute, {admitted} by the day")
    })?;

    let runs: Vec<&Value> = drafts.iter().filter(|item| text(item, "sk").starts_with("RUN#")).collect();
    let none_gone = ended.ledger.drafts.iter().all(|draft| !may_be_gone(ended, draft));
    if none_gone {
        let taken = sum(&runs, "tokens_in") + sum(&runs, "tokens_out");
        hold(runs.len() as i64 == started, || format!("{started} started, {} there", runs.len()))?;
        hold(taken == tokens, || format!("runs took {taken} tokens, {tokens} were charged"))?;
        hold(sum(&runs, "cost_micros") == micros, || format!("runs cost other than {micros}"))?;
        for (status, figure) in
            [("succeeded", "tests_succeeded"), ("failed", "tests_failed"), ("cancelled", "tests_cancelled")]
        {
            let there = runs.iter().filter(|run| run["status"] == status).count() as i64;
            let told = sum(&figures, figure);
            hold(there == told, || format!("{there} {status}, the figures say {told}"))?;
        }
    }
    if ended.narrow {
        for day in &days {
            let admitted = number(day, "runs");
            hold(admitted <= NARROW.0 as i64, || format!("{admitted} runs a day were admitted: {day}"))?;
        }
        for user in ended.ledger.limited.get("runs").into_iter().flatten() {
            let full = days
                .iter()
                .any(|day| text(day, "pk").ends_with(user) && number(day, "runs") == NARROW.0 as i64);
            hold(full, || format!("{user} was refused with runs left"))?;
        }
    } else {
        hold(ended.ledger.limited.is_empty(), || "a wide limit refused".to_owned())?;
    }

    for counts in drafts.iter().filter(|item| text(item, "sk") == "COUNTS") {
        let owner = text(counts, "pk").trim_start_matches("OWNER#");
        for status in ["draft", "testing", "ready", "committed"] {
            let there =
                metas(drafts).filter(|meta| meta["user_id"] == owner && meta["status"] == status).count();
            let told = number(counts, status);
            hold(there as i64 == told, || {
                format!("{owner} has {there} drafts {status}, counted are {told}")
            })?;
        }
    }
    let prompts = library.iter().filter(|item| text(item, "sk") == "META").count() as i64;
    let told = library.iter().find(|item| item["pk"] == "LIBRARY").map_or(0, |item| number(item, "prompts"));
    hold(prompts == told, || format!("{prompts} prompts, counted are {told}"))
}

/// No text that was acknowledged is lost or undone by one that had not seen it.
async fn texts(ended: &Ended<'_>, drafts: &Items) -> Result<(), String> {
    for known in &ended.ledger.drafts {
        let meta = metas(drafts).find(|meta| text(meta, "id") == known.id);
        let app = ended.world.places[0].wide;
        let read = call(app, "drafts-get", known.user, &[("id", &known.id)], &[], &Value::Null).await;
        hold(read.status == 200 || may_be_gone(ended, known), || {
            format!("the draft {} is gone: {}", known.id, read.body)
        })?;
        hold(!known.deletion.1 || (meta.is_none() && read.status == 404), || {
            format!("a draft whose deletion was acknowledged is there: {meta:?}")
        })?;
        let mut revisions: Vec<u64> = known.saves.iter().map(|save| save.revision).collect();
        revisions.sort_unstable();
        revisions.dedup();
        hold(revisions.len() == known.saves.len(), || {
            format!("two saves of one revision: {:?}", known.saves)
        })?;
        for save in &known.saves {
            hold(save.base.is_none_or(|base| save.revision == base + 1), || {
                format!("saved over what its user had not read: {save:?}")
            })?;
        }
        let Some(meta) = meta else { continue };
        let (content, revision) =
            (text(meta, "draft_content"), meta["revision"].as_u64().unwrap_or_default());
        let newest = known.saves.iter().max_by_key(|save| save.revision);
        let expected = newest.map_or(known.first.as_str(), |save| save.text.as_str());
        let is_known = content == expected || known.maybe.iter().any(|maybe| maybe == content);
        hold(is_known, || format!("the draft says \"{content}\", saved was \"{expected}\""))?;
        hold(newest.is_none_or(|save| save.revision <= revision), || {
            format!("revision {revision} is older than one that was acknowledged: {:?}", known.saves)
        })?;
    }
    Ok(())
}

/// Of two commits of one name one wins, versions are whole, clones are counted.
fn prompts(ended: &Ended<'_>, drafts: &Items, library: &Items, usage: &Items) -> Result<(), String> {
    let ledger = ended.ledger;
    let of = |pk: &Value, sk: &str| library.iter().find(|item| item["pk"] == *pk && text(item, "sk") == sk);
    for prompt in library.iter().filter(|item| text(item, "sk") == "META") {
        for version in 1..=number(prompt, "version") {
            let whole = of(&prompt["pk"], &format!("V#{version:06}")).is_some()
                && of(&prompt["pk"], &format!("TEXT#{version:06}")).is_some();
            hold(whole, || format!("version {version} of {} is not whole", prompt["pk"]))?;
        }
        let name = text(prompt, "pk").trim_start_matches("PROMPT#");
        if !ledger.unpublished.iter().any(|gone| gone == name) {
            let clones = metas(drafts).filter(|meta| text(meta, "parent_prompt_name") == name).count() as i64;
            let (told, gone) =
                (number(prompt, "clone_count"), ledger.drafts.iter().any(|draft| draft.deletion.0));
            hold(told == clones || gone || ended_late(ended), || {
                format!("{clones} clones of {name}, counted are {told}")
            })?;
        }
    }
    for item in library.iter().filter(|item| text(item, "pk").starts_with("PROMPT#")) {
        hold(of(&item["pk"], "META").is_some(), || {
            format!("{} {} outlives its prompt", item["pk"], item["sk"])
        })?;
    }
    for (place, (name, version, _)) in ledger.commits.iter().enumerate() {
        if ledger.unpublished.iter().any(|gone| gone == name) {
            continue;
        }
        let twice =
            ledger.commits[..place].iter().any(|(other, number, _)| (other, number) == (name, version));
        hold(!twice, || format!("version {version} of {name} was committed twice"))?;
        let there = of(&json!(format!("PROMPT#{name}")), &format!("V#{version:06}")).is_some();
        hold(there, || format!("version {version} of {name} is lost"))?;
    }
    for (first, id) in &ledger.begun {
        let same = metas(drafts).filter(|meta| text(meta, "draft_content") == first);
        let ids: Vec<_> = same.map(|meta| text(meta, "id")).collect();
        hold(ids == [id] || (ids.is_empty() && ended_late(ended)), || {
            format!("\"{first}\" began as {ids:?}")
        })?;
    }
    for (name, id) in &ledger.clones {
        let there = metas(drafts).any(|meta| text(meta, "id") == id);
        hold(there || ended_late(ended), || format!("the clone {id} of {name} is lost"))?;
    }
    let versions = library.iter().filter(|item| text(item, "sk").starts_with("V#")).count() as i64;
    let figures: Vec<&Value> = usage.iter().filter(|item| text(item, "pk") == "METRICS").collect();
    let (there, begun) = (metas(drafts).count() as i64, sum(&figures, "workshops_started"));
    let none_gone = ledger.drafts.iter().all(|draft| !may_be_gone(ended, draft));
    hold(there == begun || !none_gone || ended_late(ended), || {
        format!("{there} drafts, {begun} in the figures")
    })?;
    let committed = sum(&figures, "drafts_committed");
    hold(committed == versions || !ledger.unpublished.is_empty(), || {
        format!("{versions} versions, {committed} commits in the figures")
    })?;
    let clones = metas(drafts).filter(|meta| meta["parent_prompt_name"].is_string()).count() as i64;
    let counted = sum(&figures, "clones");
    hold(clones == counted || ended_late(ended), || format!("{clones} clones, {counted} in the figures"))
}

/// Whether so much time has passed that drafts nobody knows of may have expired.
fn ended_late(ended: &Ended<'_>) -> bool {
    ended.took >= KEPT_MS
}
