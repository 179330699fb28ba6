//! What must hold after any schedule, read from the store past the product.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Map, Value, json};
use shared::domain::model::estimate_tokens;
use shared::domain::run::ATTEMPTS_MAX;

use super::ledger::{KnownDraft, call};
use super::model::{Call, Play};
use super::schedule::Ended;
use super::{NARROW, PRICES, Room, World, reserved_micros};

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
    one_model_call_a_worker(ended, &drafts)?;
    counters(ended, &drafts, &usage)?;
    counted_lists(&drafts, &library)?;
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
        charge(ended, run, answer)?;
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

/// Whether a call's worker came to its end as if it were alone.
fn is_undisturbed(ended: &Ended<'_>, call: &Call) -> bool {
    ended.worked.iter().any(|worked| worked.actor == call.actor && !worked.interrupted)
}

/// A run is charged what the model says that one call of it took, at the
/// model's prices, and nothing for the calls of workers whose end it is not.
fn charge(ended: &Ended<'_>, run: &Value, answer: &str) -> Result<(), String> {
    let (query, status) = (text(run, "test_query"), text(run, "status"));
    let charged = (number(run, "tokens_in"), number(run, "tokens_out"));
    let calls: Vec<&Call> = ended.calls.iter().filter(|call| call.query == query).collect();
    let cost = PRICES.0 * charged.0 + PRICES.1 * charged.1;
    hold(number(run, "cost_micros") == cost, || format!("{charged:?} tokens don't cost that: {run}"))?;
    // Of a run that is given up the words are charged that a dead worker had recorded: what it read is not known.
    let recorded = (0, i64::from(estimate_tokens(answer)));
    let is_recorded = status != "succeeded" && charged == recorded;
    let said_it = |call: &&&Call| !answer.is_empty() && call.answer.starts_with(answer);
    let is_one_calls = match calls.iter().find(said_it) {
        Some(call) => is_recorded || call.worths().contains(&charged),
        None => charged == (0, 0) || calls.iter().any(|call| call.worths().contains(&charged)),
    };
    hold(is_one_calls, || format!("{charged:?} were charged for {calls:?}"))?;
    // Who cancels may stop a worker at any word; otherwise all that was said was heard.
    let exact = calls.iter().find(|call| match status {
        "succeeded" => call.answer == answer,
        "failed" => call.play != Play::LimitsRate && is_undisturbed(ended, call),
        _ => false,
    });
    hold(exact.is_none_or(|call| call.worth() == charged), || {
        format!("{charged:?} were charged for {exact:?}")
    })
}

/// A run's model is called again only when the worker before was interrupted
/// or told to wait, each time by a worker that has taken the run up, and only
/// so often.
fn one_model_call_a_worker(ended: &Ended<'_>, drafts: &Items) -> Result<(), String> {
    let mut runs: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in ended.calls {
        runs.entry(&call.query).or_default().push(call);
    }
    for (query, calls) in runs {
        for (place, call) in calls.iter().enumerate() {
            let again = calls[..place].iter().any(|before| before.actor == call.actor);
            hold(!again, || format!("worker {} called the model again for \"{query}\"", call.actor))?;
        }
        let told_to_wait = calls.iter().filter(|call| call.play == Play::LimitsRate).count();
        let interrupted =
            calls.iter().filter(|call| call.play != Play::LimitsRate && !is_undisturbed(ended, call)).count();
        hold(calls.len() <= 1 + interrupted + told_to_wait, || {
            format!(
                "{} calls for \"{query}\", {interrupted} interrupted, {told_to_wait} told to wait",
                calls.len()
            )
        })?;
        hold(calls.len() <= ATTEMPTS_MAX as usize, || format!("{} calls for \"{query}\"", calls.len()))?;
        let run = drafts.iter().find(|item| text(item, "test_query") == query);
        let taken_up = run.map_or(i64::MAX, |run| number(run, "attempts"));
        hold(calls.len() as i64 <= taken_up, || {
            format!("{} calls for \"{query}\", which was taken up {taken_up} times", calls.len())
        })?;
    }
    Ok(())
}

/// Limits, quotas and the day's figures say what the store holds.
fn counters(ended: &Ended<'_>, drafts: &Items, usage: &Items) -> Result<(), String> {
    let of = |pk: &str, sk: &str| -> Vec<&Value> {
        usage
            .iter()
            .filter(|item| text(item, "pk").starts_with(pk) && text(item, "sk").starts_with(sk))
            .collect()
    };
    let figures = of("METRICS", "DAY#");
    figures_of_runs(ended, drafts, &figures)?;
    // What a day's limits counted is forgotten later than the minutes', and earlier than the figures.
    if ended.took >= DAYS_KEPT_MS {
        return Ok(());
    }
    let (days, everyone) = (of("QUOTA#", "DAY#"), of("DEPLOYMENT", "DAY#"));
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
    limits(ended, &days, &everyone)
}

/// The day's figures say what runs there are and what they took.
fn figures_of_runs(ended: &Ended<'_>, drafts: &Items, figures: &[&Value]) -> Result<(), String> {
    if ended.ledger.drafts.iter().any(|draft| may_be_gone(ended, draft)) {
        return Ok(());
    }
    let runs: Vec<&Value> = drafts.iter().filter(|item| text(item, "sk").starts_with("RUN#")).collect();
    for name in ["tokens_in", "tokens_out", "cost_micros"] {
        let (taken, told) = (sum(&runs, name), sum(figures, name));
        hold(taken == told, || format!("{name} of the runs are {taken}, of the figures {told}"))?;
    }
    let started = sum(figures, "tests_started");
    hold(runs.len() as i64 == started, || format!("{started} started, {} there", runs.len()))?;
    for (status, figure) in
        [("succeeded", "tests_succeeded"), ("failed", "tests_failed"), ("cancelled", "tests_cancelled")]
    {
        let there = runs.iter().filter(|run| run["status"] == status).count() as i64;
        let told = sum(figures, figure);
        hold(there == told, || format!("{there} {status}, the figures say {told}"))?;
    }
    Ok(())
}

/// No limit was passed, and none refused what it had room for.
fn limits(ended: &Ended<'_>, days: &[&Value], everyone: &[&Value]) -> Result<(), String> {
    let limited = &ended.ledger.limited;
    let is_of_room = |kind: &str| match kind {
        "refused: runs" => ended.room == Room::FewRuns,
        "refused: deployment" => ended.room != Room::Wide,
        _ => false,
    };
    hold(limited.keys().all(|kind| is_of_room(kind)), || format!("a wide limit refused: {limited:?}"))?;
    let cap = ended.world.cap(ended.room) as i64;
    for day in everyone {
        hold(number(day, "micros") <= cap, || format!("more than {cap} were spent: {day}"))?;
    }
    for spent in ended.refused_at {
        let left = cap - *spent as i64;
        hold(left < reserved_micros() as i64, || format!("a run was refused with {left} micros left"))?;
    }
    if ended.room != Room::FewRuns {
        return Ok(());
    }
    for day in days {
        let admitted = number(day, "runs");
        hold(admitted <= NARROW.0 as i64, || format!("{admitted} runs a day were admitted: {day}"))?;
    }
    for user in limited.get("refused: runs").into_iter().flatten() {
        let full =
            days.iter().any(|day| text(day, "pk").ends_with(user) && number(day, "runs") == NARROW.0 as i64);
        hold(full, || format!("{user} was refused with runs left"))?;
    }
    Ok(())
}

/// What lists say of their length is so.
fn counted_lists(drafts: &Items, library: &Items) -> Result<(), String> {
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
    let mut made = BTreeMap::new();
    for version in library.iter().filter(|item| text(item, "sk").starts_with("V#")) {
        let before = made.insert(text(version, "commit_id"), version);
        hold(before.is_none(), || format!("one commit made {version} and {before:?}"))?;
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
