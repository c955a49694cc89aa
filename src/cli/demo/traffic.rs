//! Generated traffic: the samples again and again, each time as a new event.

use super::samples::{BROKEN, Sample};
use super::{DemoError, totals};
use crate::broker::Producer;
use crate::cli::Terminal;
use crate::engine::Engine;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};

/// How often a line tells how it goes.
const TELL: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(20);

/// Plays until Ctrl-C.
pub fn play(
    engine: &Engine,
    producer: &mut dyn Producer,
    samples: &[Sample],
    rate: u32,
    terminal: &mut Terminal<'_>,
) -> Result<(), DemoError> {
    writeln!(
        terminal.out,
        "\ngenerated traffic, {rate} events a second; Ctrl-C ends it"
    )?;
    let samples: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.name != BROKEN && !sample.again)
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let start = Instant::now();
    let mut told = (Instant::now(), 0_u64);
    let mut sent = 0_u64;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        while !engine.is_stopping() {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                () = tokio::time::sleep(TICK) => {}
            }
            let due = (start.elapsed().as_secs_f64() * f64::from(rate)) as u64;
            while sent < due {
                let index = usize::try_from(sent).unwrap_or(0) % samples.len().max(1);
                if let Some(sample) = samples.get(index) {
                    renewed(sample, sent).send(producer)?;
                }
                sent += 1;
            }
            producer.flush(Duration::ZERO).or_else(|error| match error.reaction {
                crate::broker::Reaction::Retry => Ok(()),
                _ => Err(error),
            })?;
            if told.0.elapsed() > TELL {
                let counts = totals(engine);
                let read: u64 = counts.consumed.iter().sum();
                let per_second = (read - told.1.min(read)) as f64 / told.0.elapsed().as_secs_f64();
                let dead: u64 = counts.dead_letters.values().sum();
                writeln!(
                    terminal.out,
                    "sent {sent}, processed {read} ({per_second:.0}/s over both stages), {} commits, {dead} dead letters",
                    counts.commits
                )?;
                told = (Instant::now(), read);
            }
        }
        Ok(())
    })
}

/// The sample under another event id: the same event would be a duplicate.
fn renewed(sample: &Sample, number: u64) -> Sample {
    let mut sample = sample.clone();
    if sample.topic == "feed.rabbitmq" {
        sample
            .headers
            .push(("rabbitmq.message_id".to_owned(), format!("generated-{number}")));
        return sample;
    }
    if let Ok(serde_json::Value::Object(mut document)) = serde_json::from_slice(&sample.value) {
        let name = if sample.topic == "feed.subscriber" {
            None
        } else {
            Some("id")
        };
        if let Some(name) = name {
            document.insert(name.to_owned(), format!("generated-{number}").into());
        } else if let Some(data) = document.get_mut("data").and_then(|data| data.as_object_mut()) {
            data.insert("accountId".to_owned(), format!("generated-{number}").into());
        }
        sample.value = serde_json::Value::Object(document).to_string().into_bytes();
    }
    sample
}
