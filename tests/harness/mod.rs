//! What the broker tests and the bench share: a real Kafka broker, clients to feed it and to verify what came out, and
//! `millstream` as a child process.
//!
//! Nothing here uses the crate under test: what a test verifies is verified by rdkafka alone, from outside.

#![allow(dead_code, reason = "the tests and the bench use different parts")]

pub mod broker;
pub mod certificates;
pub mod chart;
pub mod children;
pub mod chromium;
pub mod client;
pub mod cluster;
pub mod collector;
pub mod compare;
pub mod confluent;
pub mod cut;
pub mod documents;
pub mod group;
pub mod load;
pub mod millstream;
pub mod moto;
pub mod node;
pub mod programs;
pub mod progress;
pub mod prometheus;
pub mod rabbitmq;
pub mod random;
pub mod registry;
pub mod secured;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Tries `attempt` until it gives a value; panics with what it last said was missing when `limit` is over.
pub fn wait_until<T>(what: &str, limit: Duration, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(missing) if Instant::now() >= deadline => panic!("waited {limit:?} in vain for {what}: {missing}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The address of this machine at which Kafka listens: of itself, or one that others reach.
pub fn host() -> String {
    std::env::var("MILLSTREAM_TEST_HOST").unwrap_or_else(|_| "127.0.0.1".to_owned())
}

/// Where the logs of this run's brokers and instances are kept, whatever the outcome.
pub fn log_folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("logs");
    std::fs::create_dir_all(&folder).expect("a folder for logs");
    folder
}

/// The last lines of a log, for a failure's message.
pub fn tail(log: &std::path::Path, lines: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_else(|error| format!("(no log: {error})"));
    let all: Vec<&str> = text.lines().collect();
    let last = all.get(all.len().saturating_sub(lines)..).unwrap_or_default();
    format!(
        "--- the last {} of {} lines of {}\n{}\n---",
        last.len(),
        all.len(),
        log.display(),
        last.join("\n")
    )
}

/// A port nobody listens on at this moment, below those from which the system takes the ports of connections: it can be left
/// and taken again later.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU32, Ordering};
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let own = std::process::id().wrapping_mul(101);
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + own.wrapping_add(step) % COUNT).expect("a port");
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port from {FIRST} to {} is free", FIRST + COUNT);
}

/// Memory of a process, in bytes.
pub fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.expect("kilobytes") * 1024
}

/// User and system time of a process, all its threads, the ended ones too.
pub fn processor_time(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process runs");
    // The name in brackets may hold anything; utime and stime are the 14th and 15th field of the line.
    let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum();
    // SAFETY: asks for a constant.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Duration::from_secs_f64(ticks as f64 / per_second as f64)
}
