//! What the system knows of processes and their sockets (proc(5)): past what
//! the workshop says of itself. Linux only.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// This process and all that it has started, and those have, by their ids.
pub fn family(of: u32) -> BTreeSet<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for id in ids() {
        if let Some(parent) = parent(id) {
            children.entry(parent).or_default().push(id);
        }
    }
    let (mut family, mut next) = (BTreeSet::new(), vec![of]);
    while let Some(id) = next.pop() {
        if family.insert(id) {
            next.extend(children.remove(&id).unwrap_or_default());
        }
    }
    family
}

/// Those among `ids` that run `binary`.
pub fn running(ids: &BTreeSet<u32>, binary: &str) -> Vec<u32> {
    // The file of a process may have been replaced since.
    let names = [binary.to_owned(), format!("{binary} (deleted)")];
    let runs = |id: &u32| {
        let file = std::fs::read_link(format!("/proc/{id}/exe")).unwrap_or_default();
        file.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| names.iter().any(|own| own == name))
    };
    ids.iter().copied().filter(runs).collect()
}

/// Whether a process is there, and not only its end that nobody asked for yet.
pub fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Sends a process a signal, by its name: `KILL`.
pub fn signal(id: u32, name: &str) {
    let sent = std::process::Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status();
    assert!(sent.expect("kill runs").success(), "{id} can't be sent {name}");
}

/// Where these processes listen for TCP connections.
pub fn listening(ids: &BTreeSet<u32>) -> BTreeSet<SocketAddr> {
    let sockets: BTreeSet<PathBuf> = ids.iter().flat_map(|id| links(&format!("/proc/{id}/fd"))).collect();
    let tables =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| std::fs::read_to_string(table).unwrap_or_default());
    let mut listening = BTreeSet::new();
    for line in tables.iter().flat_map(|table| table.lines().skip(1)) {
        let fields: Vec<_> = line.split_whitespace().collect();
        // 0A is LISTEN.
        if fields[3] == "0A" && sockets.contains(Path::new(&format!("socket:[{}]", fields[9]))) {
            listening.insert(address(fields[1]));
        }
    }
    listening
}

fn ids() -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("the processes");
    processes.flatten().filter_map(|process| process.file_name().to_str()?.parse().ok()).collect()
}

/// The field after the name, which may have anything in it, and the state.
fn parent(id: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

fn links(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| std::fs::read_link(entry.path()).ok()).collect()
}

/// An address as the tables have it: words of 32 bits in this machine's order, and the port.
fn address(text: &str) -> SocketAddr {
    let (ip, port) = text.split_once(':').expect("an address and a port");
    let words: Vec<u8> = (0..ip.len())
        .step_by(8)
        .flat_map(|at| u32::from_str_radix(&ip[at..at + 8], 16).expect("a word").to_ne_bytes())
        .collect();
    let ip = match <[u8; 4]>::try_from(words.as_slice()) {
        Ok(bytes) => IpAddr::V4(Ipv4Addr::from(bytes)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words.as_slice()).expect("16 bytes"))),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).expect("a port"))
}
