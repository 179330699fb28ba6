//! Many people at the main job at once: nothing fails, nothing that was acknowledged is lost, and memory is
//! flat; the same while the whole machine is killed (`kill -9`) again and again.
//!
//! The machine is the real binary. Its models are scripted: what is tried is the workshop, and two hundred
//! people's questions to a real model would keep two cores busy with nothing else. They repeat a mark of
//! what they were asked, so that an answer which reaches the wrong person is noticed.
//!
//! `WORKSHOP_LOAD_USERS`, `WORKSHOP_LOAD_SECONDS` and `WORKSHOP_LOAD_KILL_EVERY` (seconds) set how much; without
//! them it is the short form. What people do is drawn from a seed, which is printed; `WORKSHOP_TEST_SEED` sets
//! another one. Times are shown and never asserted; limits on time are there for what is stuck.

mod person;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tests::chance::Chance;
use tests::scripted_model::{Play, ScriptedModel};
use tests::site::Site;
use tests::{Client, quantile};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use person::{Person, World};

/// Growth that is not called growth: a share, and MB.
const GROWTH: (f64, f64) = (1.1, 16.0);

struct Size {
    users: usize,
    lasts: Duration,
    kill_every: Duration,
}

impl Size {
    fn read() -> Self {
        let set = |name: &str, or: u64| match std::env::var(name) {
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is not a whole number: {text}")),
            Err(_) => or,
        };
        Self {
            users: set("WORKSHOP_LOAD_USERS", 20) as usize,
            lasts: Duration::from_secs(set("WORKSHOP_LOAD_SECONDS", 10)),
            kill_every: Duration::from_secs(set("WORKSHOP_LOAD_KILL_EVERY", 4)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_people_do_the_main_job_at_once() {
    under_load(Size::read(), false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_people_do_the_main_job_while_the_machine_is_killed_again_and_again() {
    under_load(Size::read(), true).await;
}

async fn under_load(size: Size, kills: bool) {
    let chance = Chance::seeded();
    let quick = ScriptedModel::start([Play::Echo(sentence(3), Duration::from_millis(5))]).await;
    // Long enough to be kept in part while it is written.
    let slow = ScriptedModel::start([Play::Echo(sentence(6), Duration::from_millis(50))]).await;
    let site = Arc::new(Site::new(if kills { "load-killed" } else { "load" }, models(&quick, &slow)));
    let mut machine = site.start().await;
    let world = Arc::new(World::new(Arc::clone(&site), kills));
    let people = people(&world, &chance, size.users).await;
    let before = people[0].figures().await;

    let began = Instant::now();
    world.begin(size.lasts);
    let working: Vec<_> = people
        .into_iter()
        .map(|mut person| {
            tokio::spawn(async move {
                person.works().await;
                person
            })
        })
        .collect();
    let (stop, stopped) = watch::channel(());
    let watching = tokio::spawn(look_at_memory(Arc::clone(&site), [quick, slow], stopped));
    if kills {
        machine = kill_every(&site, machine, &world, size.kill_every, chance.clone()).await;
    }
    let mut people = Vec::new();
    for person in working {
        // Whoever panicked is missed below.
        people.extend(person.await.ok());
    }
    let took = began.elapsed();
    drop(stop);
    let (memory, _models) = watching.await.expect("memory is looked at");

    let finished = people.len();
    let mut sums = person::Kept::default();
    let checks: Vec<_> = people
        .into_iter()
        .map(|mut person| {
            tokio::spawn(async move {
                let kept = person.finds_everything().await;
                (person, kept)
            })
        })
        .collect();
    let mut last = None;
    for check in checks {
        if let Ok((person, kept)) = check.await {
            sums.add(&kept);
            last = Some(person);
        }
    }
    if let Some(person) = last {
        sums.commits = person.finds_the_library().await;
        person.finds_the_figures(&before, &sums).await;
    }
    site.kill(machine).await;

    let tally = &world.tally;
    println!("\n{} people{}", size.users, if kills { ", the machine killed again and again" } else { "" });
    tally.print(took);
    println!("  kept and found again: {sums:?}");
    print_memory(&memory);
    assert_eq!(finished, size.users, "some people met what they could not go on from; see above");
    assert_eq!(tally.faults(), 0, "see above");
    assert!(sums.saves > 0 && sums.runs > 0 && sums.ratings > 0 && sums.commits > 0, "too little happened");
    assert!(sums.messages > 0 && sums.clones > 0, "too little happened");
    if kills {
        assert!(tally.counted("kills") > 0, "it was not killed");
    } else {
        is_flat(&memory);
    }
}

fn sentence(times: usize) -> String {
    "said what was asked, and no more. ".repeat(times).trim_end().to_owned()
}

fn models(quick: &ScriptedModel, slow: &ScriptedModel) -> Value {
    let model = |id, base_url: &str| json!({"id": id, "base_url": base_url, "context_window": 8_192});
    json!([model("quick", quick.base_url()), model("slow", slow.base_url())])
}

/// Everyone, with a token of the local sign-in.
async fn people(world: &Arc<World>, chance: &Chance, users: usize) -> Vec<Person> {
    let anyone = Client::new(&world.site.url(), None);
    let mut people = Vec::new();
    for number in 0..users {
        let given =
            anyone.post("/local/token", json!({"user": format!("person-{number}")})).await.expect(200);
        let client = anyone.with_token(given["access_token"].as_str().expect("a token"));
        people.push(Person::new(number, client, Arc::clone(world), chance.of_number(number)));
    }
    people
}

/// Kills the machine and starts it again until the time is over; the one that lives then.
async fn kill_every(
    site: &Site,
    mut machine: Child,
    world: &World,
    every: Duration,
    mut moments: Chance,
) -> Child {
    let mut next = Instant::now() + every;
    while next < world.end() {
        sleep_until(next + moments.between(0, 1_000)).await;
        site.kill(machine).await;
        world.tally.count("kills");
        machine = site.start().await;
        // A start that took longer than that is let be for a moment.
        next = (next + every).max(Instant::now() + every / 4);
    }
    machine
}

/// Looks at the machine's memory each second, until it is told to stop.
async fn look_at_memory(
    site: Arc<Site>,
    models: [ScriptedModel; 2],
    mut stopped: watch::Receiver<()>,
) -> (Vec<f64>, [ScriptedModel; 2]) {
    let mut seconds = interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut memory = Vec::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => return (memory, models),
            _ = seconds.tick() => {}
        }
        memory.extend(site.resident());
        models.iter().for_each(ScriptedModel::forget);
    }
}

fn print_memory(memory: &[f64]) {
    let every = memory.len().div_ceil(20).max(1);
    let shown: Vec<_> = memory.iter().step_by(every).map(|megabytes| format!("{megabytes:.0}")).collect();
    println!("  memory in MB, over the time: {}", shown.join(" "));
}

/// The first quarter is the machine growing into its work: connections, the engine's caches, the allocator's
/// reserves. After that there is nothing more to hold, however long it goes on: the data is on disk.
fn is_flat(memory: &[f64]) {
    let quarter = memory.len() / 4;
    assert!(quarter > 0, "memory can't be seen on this system");
    let (second, last) =
        (quantile(&memory[quarter..2 * quarter], 0.5), quantile(&memory[memory.len() - quarter..], 0.5));
    println!("  median of the second quarter {second:.0} MB, of the last {last:.0} MB");
    let (share, constant) = GROWTH;
    assert!(last <= second * share + constant, "memory grows: {memory:?}");
}
