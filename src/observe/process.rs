//! The process as the operating system sees it, read from `/proc` when asked. Elsewhere than on Linux there is none of it.

use super::live::{self, Sample};
use super::names;
use std::fs;
use std::path::{Path, PathBuf};

/// The kernel's clock for user space: 100 a second on every platform that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Writes what can be read; what can't is left out.
pub(super) fn render(text: &mut String) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let numbers = [
        (names::CPU_SECONDS, cpu_seconds(&stat)),
        (names::START_TIME, start_time(&stat)),
        (names::RESIDENT_MEMORY, bytes(&status, "VmRSS:")),
        (names::VIRTUAL_MEMORY, bytes(&status, "VmSize:")),
        (names::MEMORY_LIMIT, memory_limit()),
        (names::THREADS, word(&status, "Threads:")),
        (names::OPEN_FDS, open_files()),
        (names::MAX_FDS, most_files()),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            live::write(text, name, &[Sample::number(&[], number)]);
        }
    }
}

/// Of the control group: its own, or of one above it. In a container its own is the root that is mounted there.
fn memory_limit() -> Option<f64> {
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let read = |path: PathBuf| fs::read_to_string(path).ok();
    let unified = groups
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .unwrap_or_default();
    let above = Path::new(unified).ancestors();
    let second = above.filter_map(|group| read(Path::new(CGROUPS).join(group).join("memory.max")));
    let first = read(Path::new(CGROUPS).join("memory/memory.limit_in_bytes"));
    smallest(second.chain(first))
}

const CGROUPS: &str = "/sys/fs/cgroup";
/// The first version of control groups says so where there is no limit, about.
const UNLIMITED: f64 = 9e18;

/// `max` is no limit.
fn smallest(limits: impl Iterator<Item = String>) -> Option<f64> {
    let limits = limits.filter_map(|limit| limit.trim().parse::<f64>().ok());
    limits.filter(|limit| *limit < UNLIMITED).reduce(f64::min)
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
    fn the_smallest_limit_of_memory_counts_and_none_is_none() {
        let smallest = |limits: &[&str]| smallest(limits.iter().map(|limit| format!("{limit}\n")));
        assert_eq!(smallest(&["max", "2048", "1024"]), Some(1024.0));
        assert_eq!(smallest(&["max", "9223372036854771712"]), None);
        assert_eq!(smallest(&[]), None);
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
