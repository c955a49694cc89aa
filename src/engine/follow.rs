//! Loads the tables to their ends, then follows them.

use super::error::EngineError;
use super::shared::Shared;
use super::status::Status;
use super::tables::TableReader;
use crate::broker::{BrokerError, Reaction};
use crate::topology::Table;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(50);
const BACKOFF: Duration = Duration::from_millis(500);
const PROGRESS: Duration = Duration::from_secs(2);

/// Runs until stopped. A broker that is away is waited for.
pub fn follow_tables(shared: &Shared, status: &Status, stop: &AtomicBool) -> Result<(), EngineError> {
    if tables(shared).next().is_none() {
        status.tables_loaded();
        return Ok(());
    }
    while !stop.load(Ordering::Relaxed) {
        match follow(shared, status, stop) {
            Ok(()) => {}
            Err(error) if error.reaction == Reaction::Fatal => return Err(error.into()),
            Err(error) => {
                tracing::info!(%error, "reading tables is tried again");
                std::thread::park_timeout(BACKOFF);
            }
        }
    }
    Ok(())
}

/// Those that this process looks up, with their indices.
fn tables(shared: &Shared) -> impl Iterator<Item = (usize, &Table)> {
    let tables = shared.topology.tables.iter().enumerate();
    tables.filter(|(index, _)| shared.wiring.selection().looks_up(*index))
}

fn follow(shared: &Shared, status: &Status, stop: &AtomicBool) -> Result<(), BrokerError> {
    let mut admin = shared.broker.admin()?;
    let mut readers = Vec::with_capacity(shared.topology.tables.len());
    for (index, table) in tables(shared) {
        let topic = &table.topic;
        let Some(partitions) = admin.partitions(topic)? else {
            return Err(BrokerError {
                operation: "read tables",
                message: format!("topic {topic} does not exist"),
                reaction: Reaction::Retry,
            });
        };
        readers.push(TableReader::start(shared.broker.as_ref(), index, topic, partitions)?);
    }
    let mut told = Instant::now();
    let wait = POLL / u32::try_from(readers.len().max(1)).unwrap_or(1);
    while !stop.load(Ordering::Relaxed) {
        let mut complete = true;
        for (reader, (_, table)) in readers.iter_mut().zip(tables(shared)) {
            complete &= match reader.follow(&shared.tables, wait) {
                // It reads on where it stands: what was loaded need not be loaded again.
                Err(error) if error.reaction == Reaction::Retry => {
                    tracing::info!(table = table.name, topic = table.topic, %error, "reading a table is tried again");
                    std::thread::park_timeout(BACKOFF);
                    false
                }
                complete => complete?,
            };
        }
        if complete && !status.are_tables_loaded() {
            let rows = shared
                .tables
                .sizes()
                .iter()
                .map(|(name, rows)| format!("{name} {rows}"))
                .collect::<Vec<_>>();
            tracing::info!(rows = rows.join(", "), "tables loaded");
            status.tables_loaded();
        } else if !complete && told.elapsed() > PROGRESS {
            told = Instant::now();
            let rows: usize = shared.tables.sizes().iter().map(|(_, rows)| rows).sum();
            tracing::info!(rows, "loading tables");
        }
        status.set_rows(shared.tables.sizes());
    }
    Ok(())
}
