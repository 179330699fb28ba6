//! Every schedule that a range of seeds decides. A seed after which something does not hold is
//! printed with what happened, and can be run alone:
//!
//! `WORKSHOP_SEED=17 cargo test --workspace --test simulation -- --nocapture`
//!
//! `WORKSHOP_SEEDS` says how many are tried, `WORKSHOP_FIRST_SEED` from which on.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use tests::simulation::{Tally, World};

/// Threads, each with a store of its own. They wait half of their time, as what is tried does.
const THREADS: usize = 4;
/// Seeds that are tried when nothing is said.
const SEEDS: u64 = 100;
/// So many seeds meet everything that is counted, and a fault each.
const SEEDS_THAT_MEET_ALL: usize = 100;
/// Seeds after which something once did not hold.
const ONCE_BROKEN: &[u64] = &[202611220196, 202611222488, 202611224105, 202611227021];

#[test]
fn every_schedule_ends_with_nothing_lost_and_nothing_done_twice() {
    let setting = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds: Vec<u64> = match (setting("WORKSHOP_SEED"), setting("WORKSHOP_FIRST_SEED").unwrap_or(1)) {
        (Some(one), _) => vec![one],
        (None, first) => {
            let fresh = first..first + setting("WORKSHOP_SEEDS").unwrap_or(SEEDS);
            ONCE_BROKEN.iter().copied().chain(fresh).collect()
        }
    };
    let (next, tally, broken) = (AtomicU64::new(0), Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for thread in 0..THREADS.min(seeds.len()) {
            let (seeds, next, tally, broken) = (&seeds, &next, &tally, &broken);
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.expect("a runtime");
                tokio::task::LocalSet::new().block_on(&runtime, async {
                    let mut world = World::new(&thread.to_string()).await;
                    while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                        match world.run_caught(*seed).await {
                            Ok(came_to) => tally.lock().expect("no panic").add(&came_to),
                            Err(found) => {
                                broken.lock().expect("no panic").push(found);
                                // What broke it may go on in the old one.
                                world = World::new(&format!("{thread}-after-{seed}")).await;
                            }
                        }
                    }
                });
            });
        }
    });
    let tally = tally.into_inner().expect("no panic");
    println!("\n{:<28}{:>12}", "tried", "times");
    for (what, times) in &tally.0 {
        println!("{what:<28}{times:>12}");
    }
    let broken = broken.into_inner().expect("no panic");
    println!("{:<28}{:>12}\n", "seeds that failed", broken.len());
    for found in broken.iter().take(3) {
        println!("seed {}: {}\n  {}\n", found.seed, found.what, found.schedule.join("\n  "));
    }
    let said: Vec<_> = broken.iter().map(|found| format!("seed {}: {}", found.seed, found.what)).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
    if seeds.len() >= SEEDS_THAT_MEET_ALL {
        let missed = tally.missed();
        assert!(missed.is_empty(), "never met, so that nothing was shown of it: {missed:?}");
        assert!(tally.0["faults"] >= tally.0["seeds"], "less than a fault a seed");
    }
}
