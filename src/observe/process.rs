//! The process as the operating system sees it, read from `/proc` when asked. Elsewhere than on Linux there is none of it.

use super::metrics::sample;
use super::names;
use std::fs;

/// The kernel's clock for user space: 100 a second on every platform that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes what can be read; what can't is left out.
pub(super) fn render(text: &mut String) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut write = |name, kind, help, value: Option<f64>| {
        if let Some(value) = value {
            sample(text, name, kind, help, value);
        }
    };
    write(
        names::CPU_SECONDS,
        "counter",
        "User and system CPU time.",
        cpu_seconds(&stat),
    );
    write(
        names::START_TIME,
        "gauge",
        "When the process started, in seconds since 1970.",
        start_time(&stat),
    );
    write(
        names::RESIDENT_MEMORY,
        "gauge",
        "Memory in use.",
        bytes(&status, "VmRSS:"),
    );
    write(
        names::VIRTUAL_MEMORY,
        "gauge",
        "Address space in use.",
        bytes(&status, "VmSize:"),
    );
    write(names::THREADS, "gauge", "Threads.", word(&status, "Threads:"));
    write(names::OPEN_FDS, "gauge", "Open file descriptors.", open_files());
    write(
        names::MAX_FDS,
        "gauge",
        "Most file descriptors that may be open.",
        most_files(),
    );
}

/// The field of `/proc/self/stat` of that number, which counts from 1. The second is the program's name in parentheses,
/// and may hold anything.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number.checked_sub(3)?)?.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS_PER_SECOND)
}

fn start_time(stat: &str) -> Option<f64> {
    let machine = fs::read_to_string("/proc/stat").ok()?;
    Some(word(&machine, "btime")? + field(stat, 22)? / TICKS_PER_SECOND)
}

/// The number after a line's first word.
fn word(lines: &str, first: &str) -> Option<f64> {
    let rest = lines.lines().find_map(|line| line.strip_prefix(first))?;
    rest.split_whitespace().next()?.parse().ok()
}

fn bytes(status: &str, first: &str) -> Option<f64> {
    Some(word(status, first)? * 1024.0)
}

fn open_files() -> Option<f64> {
    // reading the folder opens one more
    let open = fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1);
    Some(open as f64)
}

fn most_files() -> Option<f64> {
    word(&fs::read_to_string("/proc/self/limits").ok()?, "Max open files")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_after_a_name_that_may_hold_anything() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 4 0 12345 1000000 500";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(field(stat, 22), Some(12345.0));
        assert_eq!(field("", 14), None);
    }

    #[test]
    fn this_process_is_seen() {
        let mut text = String::new();
        render(&mut text);
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("no {name} in {text}"))
                .parse()
                .expect("a number")
        };
        assert!(value(names::RESIDENT_MEMORY) > 1_000_000.0);
        assert!(value(names::START_TIME) > 1_600_000_000.0);
        assert!(value(names::OPEN_FDS) >= 3.0 && value(names::MAX_FDS) >= value(names::OPEN_FDS));
        assert!(value(names::THREADS) >= 1.0 && value(names::CPU_SECONDS) >= 0.0);
    }
}
