//! What remembering an id costs: on disk, and beside it in memory.
//!
//! `cargo bench --bench state -- --ids 3000000`
//!
//! Random ids, each looked up and, if it is new, remembered, in batches of 10 000 of which a tenth was seen before; event time
//! goes on evenly, so that all ids are within the window. Processor time is the process's own, user and system, with all that
//! the store does meanwhile (flushes, merges). Files are opened again while the operating
//! system has them in memory, three times; the shortest counts.

use clap::{Parser, ValueEnum};
use millstream::state::{Budget, DiskIds, IdStore, IdWrite, MemoryIds, OsDisk, TaskIds, encode_id};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BATCH: u64 = 10_000;
const NEW_IN_BATCH: u64 = 9_000;
const WINDOW: i64 = 7 * 86_400_000;
const LOOKED_UP: u64 = 200_000;

/// What remembering an id costs: on disk, and beside it in memory.
#[derive(Parser)]
struct Arguments {
    /// How many ids are remembered.
    #[arg(long, value_delimiter = ',', default_value = "3000000")]
    ids: Vec<u64>,
    /// The memory of the store on disk, in MB.
    #[arg(long, default_value_t = 64)]
    budget: usize,
    /// Which to measure.
    #[arg(long, value_delimiter = ',', default_value = "disk,memory")]
    only: Vec<Kind>,
    /// As `cargo bench` adds it.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    Disk,
    Memory,
}

fn main() {
    // As the program itself.
    millstream::allocator::tune();
    let arguments = Arguments::parse();
    println!(
        "| store | ids | remember, µs of CPU an id | longest batch, ms | look up a stranger · a known one, µs | restore, records/s | on disk, bytes an id | memory, bytes an id (on disk: of files) | opened again, ms |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for ids in &arguments.ids {
        for kind in &arguments.only {
            match kind {
                Kind::Disk => on_disk(*ids, arguments.budget * 1_000_000),
                Kind::Memory => in_memory(*ids),
            }
        }
    }
}

fn on_disk(ids: u64, budget_bytes: usize) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let budget = Budget::new(budget_bytes);
    let open = |folder: &Path| DiskIds::open(Arc::new(OsDisk), folder, WINDOW, &budget).expect("a store");
    let path = folder.path().join("ids");
    let mut store = open(&path);
    let remembered = remember(&mut store, ids);
    let looked_up = look_up(&store, ids);
    drop(store);
    let (files, bytes) = size(&path);
    let (mut opened, mut sealed) = (Duration::MAX, 0);
    for _ in 0..3 {
        let started = Instant::now();
        let store = open(&path);
        opened = opened.min(started.elapsed());
        assert_eq!(store.len() as u64, ids);
        sealed = budget.caches();
    }
    let restored = restore(Box::new(open(&folder.path().join("restored"))), ids);
    println!(
        "| disk | {ids} | {:.2} | {:.0} | {:.2} · {:.2} | {restored:.0} | {:.1} in {files} files | {:.2}; in all at most {:.1} of {:.1} MB | {:.0} |",
        remembered.micros,
        remembered.longest.as_secs_f64() * 1e3,
        looked_up.0,
        looked_up.1,
        bytes as f64 / ids as f64,
        sealed as f64 / ids as f64,
        budget.highest() as f64 / 1e6,
        budget.limit() as f64 / 1e6,
        opened.as_secs_f64() * 1e3,
    );
}

fn in_memory(ids: u64) {
    let before = resident();
    let mut store = MemoryIds::new(WINDOW);
    let remembered = remember(&mut store, ids);
    let memory = resident().saturating_sub(before);
    let looked_up = look_up(&store, ids);
    drop(store);
    let restored = restore(Box::new(MemoryIds::new(WINDOW)), ids);
    println!(
        "| memory | {ids} | {:.2} | {:.0} | {:.2} · {:.2} | {restored:.0} | | {:.1} | |",
        remembered.micros,
        remembered.longest.as_secs_f64() * 1e3,
        looked_up.0,
        looked_up.1,
        memory as f64 / ids as f64,
    );
}

struct Remembered {
    /// Of processor time, for each id looked up.
    micros: f64,
    longest: Duration,
}

/// Looks ids up, a batch at a time, and remembers those that are new.
fn remember(store: &mut dyn IdStore, ids: u64) -> Remembered {
    let mut longest = Duration::ZERO;
    let mut looked_up = 0;
    let mut writes = Vec::new();
    let before = processor_time();
    let mut next = 0;
    while next < ids {
        let started = Instant::now();
        let end = (next + NEW_IN_BATCH).min(ids);
        for n in next..end {
            if !store.contains(id(n)).expect("a look-up") {
                writes.push(IdWrite {
                    id: id(n),
                    time: time(n, ids),
                });
            }
        }
        for n in 0..BATCH - NEW_IN_BATCH {
            // Of the first batch none is committed yet.
            let known = scramble(next + n) % next.max(1);
            assert_eq!(store.contains(id(known)).expect("a look-up"), next > 0, "id {known}");
        }
        looked_up += end - next + BATCH - NEW_IN_BATCH;
        store.apply(&writes, time(end, ids), Some(end as i64)).expect("written");
        assert_eq!(writes.len() as u64, end - next, "all were new");
        writes.clear();
        next = end;
        longest = longest.max(started.elapsed());
    }
    assert_eq!(store.len() as u64, ids);
    Remembered {
        micros: (processor_time() - before).as_secs_f64() * 1e6 / looked_up as f64,
        longest,
    }
}

/// Microseconds of processor time to look up an id that is not there, and one that is.
fn look_up(store: &dyn IdStore, ids: u64) -> (f64, f64) {
    let micros = |first: u64, end: u64, known: bool| {
        let before = processor_time();
        for n in 0..LOOKED_UP {
            let found = store.contains(id(first + scramble(n) % end)).expect("a look-up");
            assert_eq!(found, known);
        }
        (processor_time() - before).as_secs_f64() * 1e6 / LOOKED_UP as f64
    };
    (micros(ids, u64::MAX / 2, false), micros(0, ids, true))
}

/// Records a second of processor time, from changelog records in batches.
fn restore(store: Box<dyn IdStore>, ids: u64) -> f64 {
    let mut store = TaskIds::new(WINDOW, store);
    let before = processor_time();
    for n in 0..ids {
        let (key, value) = encode_id(IdWrite {
            id: id(n),
            time: time(n, ids),
        });
        store.restore(Some(&key), Some(&value)).expect("a record");
        if n % BATCH == BATCH - 1 {
            store.restored(n as i64).expect("written");
        }
    }
    store.restored(ids as i64).expect("written");
    ids as f64 / (processor_time() - before).as_secs_f64()
}

fn id(n: u64) -> u128 {
    u128::from(scramble(n)) << 64 | u128::from(scramble(n ^ 0x5555_5555_5555_5555))
}

fn scramble(n: u64) -> u64 {
    let x = n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn time(n: u64, ids: u64) -> i64 {
    (WINDOW as f64 * (n as f64 / ids as f64)) as i64
}

/// Files in a folder and their bytes.
fn size(folder: &Path) -> (usize, u64) {
    let files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    let bytes = files.iter().map(|path| path.metadata().expect("a file").len()).sum();
    (files.len(), bytes)
}

/// User and system time of this process.
fn processor_time() -> Duration {
    // SAFETY: it is a plain struct for the operating system to fill.
    let usage = unsafe {
        let mut usage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let time =
        |time: libc::timeval| Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
