//! Watching a process while it works: its processor time and memory from /proc, its progress by what it has committed.

use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::processor_time;
use crate::harness::progress::Progress;
use std::process::Child;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(600);
/// Nothing new for so long, and enough: it is done.
const QUIET: Duration = Duration::from_secs(1);
/// The broker's work for an answer must not take much from who is measured.
const PAUSE: Duration = Duration::from_millis(20);

pub enum Process {
    Loop(Child),
    Millstream {
        instance: Box<Instance>,
        /// Is there as long as the instance.
        _folder: TestTopology,
    },
}

impl Process {
    fn id(&self) -> u32 {
        match self {
            Process::Loop(child) => child.id(),
            Process::Millstream { instance, .. } => instance.id(),
        }
    }

    fn end(self) {
        match self {
            Process::Loop(mut child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Process::Millstream { mut instance, .. } => {
                let status = instance.terminate();
                assert!(status.success(), "it ended with {status}:\n{}", instance.log());
            }
        }
    }
}

pub struct Measured {
    pub events: u64,
    /// User and system.
    pub cpu: Duration,
    /// From the start to the last output.
    pub wall: Duration,
    pub first_output: Duration,
    pub peak_kib: u64,
}

/// Until as many records as `expected` are committed in `output` and no more come. The process was started just before.
pub fn watch(brokers: &str, output: &str, process: Process, expected: u64) -> Measured {
    let started = Instant::now();
    let progress = Progress::new(brokers, output);
    let id = process.id();
    let mut measured = Measured {
        events: 0,
        cpu: Duration::ZERO,
        wall: Duration::ZERO,
        first_output: Duration::ZERO,
        peak_kib: 0,
    };
    let mut seen = 0;
    let mut last_change = Instant::now();
    loop {
        // Offsets count the markers of transactions too, so they are a few more than records.
        let offsets = progress.offsets();
        let now = Instant::now();
        if offsets != seen {
            if seen == 0 {
                measured.first_output = now - started;
            }
            seen = offsets;
            last_change = now;
            measured.wall = now - started;
            measured.cpu = processor_time(id);
        } else if seen >= expected && last_change.elapsed() > QUIET {
            break;
        }
        assert!(
            started.elapsed() < LIMIT,
            "{output} has {seen} offsets after {LIMIT:?}, {expected} records are expected"
        );
        std::thread::sleep(PAUSE);
    }
    measured.peak_kib = peak_kib(id);
    process.end();
    measured
}

fn peak_kib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("the highest resident size");
    line.trim().trim_end_matches("kB").trim().parse().expect("a number")
}
