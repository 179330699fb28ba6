//! How fast a function is there: each release binary is started again and
//! again by a Runtime API server, in turn with a reference that does as little
//! as one can (`references`): without the store, one that says hello; with it,
//! one that makes as many calls with AWS's SDK as the route does.
//!
//! The binaries are built as they are deployed, which takes most of an hour
//! for all: `BINARIES="health drafts-get"` takes these only.
//!
//! Deployed functions talk TLS with the store. So the bar of their memory is
//! held over TLS, too. A bar that many are held to is told by the worst of them,
//! and by how many are within it.

mod front;
mod requests;

use std::time::Duration;

use tests::root;

use crate::asked::watched;
use crate::figures::{Bar, Estimate, Table, millis};
use crate::process;
use crate::release::{build, file};
use crate::runtime_api::{Function, Program, Quota};
use front::{Counter, Tls};
use requests::{Asked, Furnished, WAITING, ending};

/// Starts of each binary, and under quotas.
const ROUNDS: usize = 15;
const ROUNDS_WITH_QUOTA: usize = 9;
/// Requests to a function that runs, after its first.
const WARM: usize = 5;
/// Megabytes of the functions whose share of a core is given.
const MEMORIES: [u32; 3] = [128, 256, 512];
/// Megabytes for which Lambda gives a whole core (AWS Lambda Developer Guide, "Configure Lambda function memory").
const WHOLE_CORE: f64 = 1_769.0;
/// What is started under quotas.
const WITH_QUOTA: [&str; 3] = ["health", "drafts-get", "drafts-update"];

/// The first response over the reference's.
const FIRST_BAR: f64 = 1.3;
/// With TLS, the first response once the function has started over later ones.
const CONNECTED_BAR: f64 = 1.5;
/// Megabytes that a binary may be larger than its reference: with the store, and without.
const SIZE_BARS: (f64, f64) = (2.0, 1.0);
/// Megabytes of memory of a route with the store.
const PEAK_BAR: f64 = 12.0;

const HELLO: &str = "reference-hello";
const STORE: &str = "reference-store";

/// Sizes, starts over plain HTTP and over TLS, and starts under quotas.
pub fn measure(table: &mut Table) {
    table.note(format!(
        "Release binaries as they are deployed, for this machine. Each route was started {ROUNDS} times by turns with \
         its reference, which makes as many store calls in a request as were counted for the route; then asked {WARM} \
         times more. Times are from the start of the process, with all that it does before it asks for an event."
    ));
    table.note(format!(
        "Not started, since they wait for a model or a feed's server: {}; since they end what they are asked about: \
         {}; and the jobs, whose files are weighed only. imports-run is asked to repeat what was done, chat-stop to \
         stop what has ended. The message that tests-start sends to a queue is not counted among its store calls.",
        WAITING.join(", "),
        ending().collect::<Vec<_>>().join(", ")
    ));
    let binaries = chosen();
    if std::env::var("BINARIES").is_ok_and(|binaries| !binaries.trim().is_empty()) {
        table.note(format!("Only in part: BINARIES left out all but {}.", binaries.join(", ")));
    }
    let names = binaries.iter().map(String::as_str).chain([HELLO, STORE]);
    build(&names.collect::<Vec<_>>());
    sizes(table, &binaries);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(starts(table, &binaries));
}

/// Those of `BINARIES`, or all.
fn chosen() -> Vec<String> {
    let files = std::fs::read_dir(root().join("functions/src/bin")).expect("the binaries");
    let names = files
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned());
    let mut all: Vec<String> = names.collect();
    all.sort();
    let Ok(wanted) = std::env::var("BINARIES") else { return all };
    let wanted: Vec<_> = wanted.split_whitespace().map(str::to_owned).collect();
    if let Some(unknown) = wanted.iter().find(|name| !all.contains(name)) {
        panic!("There is no binary {unknown:?}. There are: {}.", all.join(", "));
    }
    if wanted.is_empty() { all } else { wanted }
}

/// Whether a binary does without the store.
fn is_without_store(binary: &str) -> bool {
    let source = root().join("functions/src/bin").join(binary).with_extension("rs");
    std::fs::read_to_string(source).expect("its source").contains("serve_without_store")
}

fn sizes(table: &mut Table, binaries: &[String]) {
    let megabytes = |binary: &str| std::fs::metadata(file(binary)).expect("it was built").len() as f64 / 1e6;
    for reference in [HELLO, STORE] {
        table.figure(format!("{reference}: size"), megabytes(reference), "MB", Bar::None);
    }
    let (with_store, without) = SIZE_BARS;
    for (kind, is_kind, reference, bar) in
        [("without the store", true, HELLO, without), ("with the store", false, STORE, with_store)]
    {
        let of_kind = binaries.iter().filter(|binary| is_without_store(binary) == is_kind);
        let larger = of_kind.map(|binary| (binary, megabytes(binary) - megabytes(reference)));
        let mut larger: Vec<_> = larger.collect();
        larger.sort_by(|one, other| other.1.total_cmp(&one.1));
        if let Some((binary, most)) = larger.first() {
            let what = format!("largest {kind}, {binary}: size over {reference}'s");
            table.figure(what, *most, "MB", Bar::AtMost(bar));
            tell_within(table, bar, &larger.iter().map(|(_, larger)| *larger).collect::<Vec<_>>());
            for (binary, more) in larger.iter().skip(1).filter(|(_, more)| *more > bar) {
                table.figure(format!("  {binary}"), *more, "MB", Bar::AtMost(bar));
            }
        }
    }
}

fn tell_within(table: &mut Table, bar: f64, figures: &[f64]) {
    let within = figures.iter().filter(|figure| **figure <= bar).count();
    table.figure(format!("  within the bar, of {}", figures.len()), within as f64, "", Bar::None);
}

/// One start of a function, times in milliseconds.
struct Start {
    /// Until it asked for an event.
    ready: f64,
    /// Until its first answer was there.
    first: f64,
    /// From the first event to its answer.
    after_init: f64,
    /// From an event to its answer, once it runs: the median.
    warm: f64,
    /// The most memory that it had, in megabytes.
    peak: f64,
}

/// A route's starts and its reference's, by turns.
struct Pair {
    binary: &'static str,
    calls: usize,
    route: Vec<Start>,
    reference: Vec<Start>,
}

impl Pair {
    fn ratio(&self) -> Estimate {
        Estimate::of_ratios(
            &each(&self.route, |start| start.first),
            &each(&self.reference, |start| start.first),
        )
    }

    fn reference(&self) -> &'static str {
        if self.calls == 0 { HELLO } else { STORE }
    }

    fn tell_ratio(&self, table: &mut Table, bar: Bar) {
        let calls = match self.calls {
            0 => "no store call".to_owned(),
            1 => "1 store call".to_owned(),
            calls => format!("{calls} store calls"),
        };
        let what = format!("  {}, {calls}: first response over {}'s", self.binary, self.reference());
        table.estimate(what, self.ratio(), "×", bar);
    }
}

fn each(starts: &[Start], figure: impl Fn(&Start) -> f64) -> Vec<f64> {
    starts.iter().map(figure).collect()
}

/// Tells the largest of what `estimate` makes of each pair, by its median, and if there is a bar, how many are within
/// and which others are not.
fn tell_worst<'a>(
    table: &mut Table,
    (what, unit, most): (&str, &str, Option<f64>),
    pairs: impl Iterator<Item = &'a Pair>,
    estimate: impl Fn(&Pair) -> Estimate,
) {
    let mut estimates: Vec<_> = pairs.map(|pair| (pair.binary, estimate(pair))).collect();
    estimates.sort_by(|one, other| other.1.median.total_cmp(&one.1.median));
    let Some((binary, worst)) = estimates.first() else { return };
    table.estimate(format!("{what}: {binary}"), *worst, unit, most.map_or(Bar::None, Bar::AtMost));
    if let Some(most) = most {
        tell_within(table, most, &estimates.iter().map(|(_, estimate)| estimate.median).collect::<Vec<_>>());
        for (binary, estimate) in estimates.iter().skip(1).filter(|(_, estimate)| estimate.median > most) {
            table.estimate(format!("  {binary}"), *estimate, unit, Bar::AtMost(most));
        }
    }
}

/// Of a route's starts.
fn of(figure: fn(&Start) -> f64) -> impl Fn(&Pair) -> Estimate {
    move |pair| Estimate::of(&each(&pair.route, figure))
}

/// The first answer after the start over later ones.
fn over_warm(starts: &[Start]) -> Estimate {
    Estimate::of_ratios(&each(starts, |start| start.after_init), &each(starts, |start| start.warm))
}

/// What is measured, and what with.
struct Bench {
    /// What every function is told.
    environment: Vec<(String, String)>,
    /// What besides that the reference is told that reads from the store.
    reads: [(String, String); 2],
}

/// A route's request, and the store calls that it makes.
type Counted<'a> = (Asked<'a>, usize);

async fn starts(table: &mut Table, binaries: &[String]) {
    let furnished = Furnished::start().await;
    // Nobody takes up what is queued, so that nothing else runs meanwhile.
    let config = &watched(&furnished.workshop, "workshop").await.app.config;
    let store = config.endpoints.dynamodb.as_ref().expect("the store's address");
    let reads = [
        ("REFERENCE_TABLE", config.tables.drafts.clone()),
        ("REFERENCE_KEY", format!("DRAFT#{}", furnished.draft)),
    ];
    let bench = Bench {
        environment: local::environment(config),
        reads: reads.map(|(name, value)| (name.to_owned(), value)),
    };
    let mut requests = Vec::new();
    for asked in furnished.requests(binaries) {
        let calls = bench.calls(&asked, store).await;
        requests.push((asked, calls));
    }

    let mut plain = Vec::new();
    for request in &requests {
        plain.push(bench.in_turn(request, &[], None, ROUNDS).await);
    }
    tell_plain(table, &plain);

    let folder = std::env::temp_dir().join(format!("workshop-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let tls = Tls::before(store, &folder).await;
    let over_tls = [
        ("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), tls.url.clone()),
        ("SSL_CERT_FILE".to_owned(), tls.trusted.display().to_string()),
    ];
    let mut secured = Vec::new();
    for request in requests.iter().filter(|(_, calls)| *calls > 0) {
        secured.push(bench.in_turn(request, &over_tls, None, ROUNDS).await);
    }
    tell_secured(table, &secured);

    table.note(format!(
        "A function of 128 MB has 7 % of a core, of 256 MB 14 %, of 512 MB 29 %: these were started \
         {ROUNDS_WITH_QUOTA} times under a quota of that, with TLS. Lambda lets a function run faster until it asks for its \
         first event, so that it is there sooner than the starts here, and what counts is what follows its event."
    ));
    for memory in MEMORIES {
        let Some(quota) = Quota::of(f64::from(memory) / WHOLE_CORE) else {
            table.note(
                "The starts with a share of a core are left out: this user may not make a group of processes with \
                 a quota (cgroups). As root, one may.",
            );
            break;
        };
        let mut slowed = Vec::new();
        for request in requests.iter().filter(|(asked, _)| WITH_QUOTA.contains(&asked.binary)) {
            slowed.push(bench.in_turn(request, &over_tls, Some(&quota), ROUNDS_WITH_QUOTA).await);
        }
        tell_slowed(table, &slowed, memory);
    }
    let _ = std::fs::remove_dir_all(folder);
    furnished.workshop.stop().await;
}

impl Bench {
    fn program(&self, binary: &str, besides: &[(String, String)]) -> Program {
        let environment = self.environment.iter().chain(besides).cloned().collect();
        Program { file: file(binary), environment }
    }

    fn reference(&self, calls: usize, besides: &[(String, String)]) -> Program {
        if calls == 0 {
            return self.program(HELLO, besides);
        }
        let calls = [("REFERENCE_CALLS".to_owned(), calls.to_string())];
        self.program(STORE, &[besides, &self.reads, &calls].concat())
    }

    /// The store calls of a route's first request, without that which opens the connection before.
    async fn calls(&self, asked: &Asked<'_>, store: &str) -> usize {
        let counter = Counter::before(store).await;
        let counted = [("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), counter.url.clone())];
        let program = self.program(asked.binary, &counted);
        let mut function = Function::start(&program, None).await;
        counter.take();
        let answered = function.answer(&asked.event()).await;
        assert_eq!(answered.answer["statusCode"], asked.status, "{}: {}", asked.binary, answered.answer);
        let calls = counter.take();
        function.end().await;
        assert_eq!(calls == 0, is_without_store(asked.binary), "{} makes {calls} calls", asked.binary);
        calls
    }

    /// Starts a route and its reference by turns; who goes first, too, by turns.
    async fn in_turn(
        &self,
        (asked, calls): &Counted<'_>,
        besides: &[(String, String)],
        quota: Option<&Quota>,
        rounds: usize,
    ) -> Pair {
        let (program, reference) = (self.program(asked.binary, besides), self.reference(*calls, besides));
        let mut pair = Pair { binary: asked.binary, calls: *calls, route: Vec::new(), reference: Vec::new() };
        for round in 0..rounds {
            if round % 2 == 0 {
                pair.reference.push(self.start(&reference, asked, 200, quota).await);
            }
            pair.route.push(self.start(&program, asked, asked.status, quota).await);
            if round % 2 == 1 {
                pair.reference.push(self.start(&reference, asked, 200, quota).await);
            }
        }
        pair
    }

    async fn start(&self, program: &Program, asked: &Asked<'_>, status: u16, quota: Option<&Quota>) -> Start {
        // Before the start, whose time this is no part of.
        let event = asked.event();
        let mut function = Function::start(program, quota).await;
        let first = function.answer(&event).await;
        assert_eq!(first.answer["statusCode"], status, "{}: {}", program.file.display(), first.answer);
        let mut warm = Vec::new();
        for _ in 0..WARM {
            let answered = function.answer(&asked.event()).await;
            assert_eq!(answered.answer["statusCode"], status, "{}", answered.answer);
            warm.push(millis(answered.to - answered.from));
        }
        let since_start = |at: std::time::Instant| -> Duration { at - function.started };
        let start = Start {
            ready: millis(since_start(function.ready)),
            first: millis(since_start(first.to)),
            after_init: millis(first.to - first.from),
            warm: Estimate::of(&warm).median,
            peak: process::peak(function.pid()),
        };
        function.end().await;
        start
    }
}

fn tell_plain(table: &mut Table, pairs: &[Pair]) {
    for pair in pairs {
        pair.tell_ratio(table, if pair.calls == 0 { Bar::None } else { Bar::AtMost(FIRST_BAR) });
    }
    for reference in [HELLO, STORE] {
        if let Some(pair) =
            pairs.iter().filter(|pair| pair.reference() == reference).min_by_key(|pair| pair.calls)
        {
            tell_reference(table, reference, pair);
            let first = Estimate::of(&each(&pair.reference, |start| start.first));
            table.estimate("  until its first response", first, "ms", Bar::None);
        }
    }
    let all = || pairs.iter();
    tell_worst(table, ("slowest until it asks for an event", "ms", None), all(), of(|start| start.ready));
    tell_worst(table, ("slowest until its first response", "ms", None), all(), of(|start| start.first));
    tell_worst(table, ("slowest later response", "ms", None), all(), of(|start| start.warm));
    let with_store = all().filter(|pair| pair.calls > 0);
    tell_worst(
        table,
        ("most memory with the store", "MB", Some(PEAK_BAR)),
        with_store,
        of(|start| start.peak),
    );
}

fn tell_secured(table: &mut Table, pairs: &[Pair]) {
    let what = "with TLS, first response once it has started over later ones, the slowest";
    tell_worst(table, (what, "×", Some(CONNECTED_BAR)), pairs.iter(), |pair| over_warm(&pair.route));
    if let Some(pair) = pairs.iter().min_by_key(|pair| pair.calls) {
        table.estimate(format!("  {STORE}, which connects then"), over_warm(&pair.reference), "×", Bar::None);
        tell_reference(table, &format!("with TLS, {STORE}"), pair);
    }
    let slowest = [
        ("with TLS, slowest until it asks for an event", of(|start| start.ready)),
        ("with TLS, slowest until its first response", of(|start| start.first)),
    ];
    for (what, figure) in slowest {
        tell_worst(table, (what, "ms", None), pairs.iter(), figure);
    }
    let what = format!("with TLS, slowest first response over {STORE}'s");
    tell_worst(table, (&what, "×", None), pairs.iter(), Pair::ratio);
    tell_worst(table, ("with TLS, most memory", "MB", Some(PEAK_BAR)), pairs.iter(), of(|start| start.peak));
}

/// How long a pair's reference takes until it asks for an event, and its memory.
fn tell_reference(table: &mut Table, name: &str, pair: &Pair) {
    let of = |figure: fn(&Start) -> f64| Estimate::of(&each(&pair.reference, figure));
    table.estimate(format!("{name}: until it asks for an event"), of(|start| start.ready), "ms", Bar::None);
    table.estimate("  most memory", of(|start| start.peak), "MB", Bar::None);
}

fn tell_slowed(table: &mut Table, pairs: &[Pair], memory: u32) {
    for pair in pairs {
        let first = Estimate::of(&each(&pair.route, |start| start.first));
        let after_init = Estimate::of(&each(&pair.route, |start| start.after_init));
        table.estimate(
            format!("at {memory} MB, {}: until its first response", pair.binary),
            first,
            "ms",
            Bar::None,
        );
        table.estimate("  of that, from its event on", after_init, "ms", Bar::None);
        pair.tell_ratio(table, Bar::None);
    }
}
