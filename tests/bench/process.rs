//! What the kernel tells of a process: its memory and its processor time.

use std::time::Duration;

use tests::site::memory;

/// The unit of processor times under /proc: USER_HZ, which is 100 wherever Linux runs.
const TICK: Duration = Duration::from_millis(10);

/// Memory that a process holds now, in MB.
pub fn resident(pid: u32) -> f64 {
    memory(pid, "VmRSS:").expect("it runs")
}

/// The most memory that a process has held so far, in MB.
pub fn peak(pid: u32) -> f64 {
    memory(pid, "VmHWM:").expect("it runs")
}

/// Processor time of a process so far, its own and the kernel's for it, to a hundredth of a second.
pub fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    // The second field is the name, in brackets; it may hold anything. Then the state is the first.
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks = fields.split(' ').skip(11).take(2).map(|field| field.parse::<u32>().expect("a number"));
    TICK * ticks.sum::<u32>()
}
