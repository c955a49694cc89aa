//! Lines to records: read by a thread of its own, written in order, and each heard of.

use crate::broker::{BrokerError, Done, Outgoing, Reaction, Writer};
use crate::expression::{Expression, Scope};
use crate::record::{Header, Origin, Record};
use crate::value::{self, Value};
use bumpalo::Bump;
use std::io::{self, BufRead, Read};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};

/// The longest line: Kafka takes none so long, and what has no line ends must not fill the memory.
const LONGEST: u64 = 64 * 1024 * 1024;
/// Lines that were read and not sent yet.
const READ_AHEAD: usize = 64;
/// Records that were sent and not heard of yet.
const UNDER_WAY: usize = 10_000;
/// Until there is room in the producer's queue again.
const FULL: Duration = Duration::from_millis(5);
/// Failures that are told one by one.
const TOLD: usize = 10;

/// What is made of each line.
pub(super) struct Shape {
    pub topic: String,
    pub key: Option<Expression>,
    pub headers: Vec<(String, Expression)>,
    /// Lines may be anything, not JSON only.
    pub raw: bool,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// The last line that was read, from 1.
    pub line: u64,
    /// Records that Kafka has.
    pub written: u64,
    /// Records that nobody has heard of yet.
    pub under_way: u64,
    /// The first lines that were not written, and why.
    pub failed: Vec<(u64, String)>,
    pub failures: u64,
    /// Somebody ended it before the end of the input.
    pub interrupted: bool,
}

impl Progress {
    fn fails(&mut self, line: u64, why: String) {
        self.failures += 1;
        if self.failed.len() < TOLD {
            self.failed.push((line, why));
        }
    }
}

type Heard = (u64, Result<(), BrokerError>);
type Line = (u64, io::Result<Vec<u8>>);

/// Sends lines until the input ends, one can't be sent, or it is interrupted; then waits for those under way, until it is
/// interrupted once more.
pub(super) async fn send<I: Future<Output = ()>>(
    shape: &Shape,
    writer: &dyn Writer,
    input: Box<dyn BufRead + Send>,
    mut interrupted: impl FnMut() -> I,
    mut report: impl FnMut(&Progress),
) -> Progress {
    let mut progress = Progress::default();
    let (tell, mut heard) = unbounded_channel();
    let mut lines = lines(input);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut reading = true;
    let mut interruption = Box::pin(interrupted());
    while reading || progress.under_way > 0 {
        let room = usize::try_from(progress.under_way).is_ok_and(|under_way| under_way < UNDER_WAY);
        tokio::select! {
            () = &mut interruption => {
                progress.interrupted = true;
                if !reading {
                    break;
                }
                reading = false;
                interruption = Box::pin(interrupted());
            }
            Some(outcome) = heard.recv() => hear(outcome, &mut progress, &mut reading),
            _ = ticks.tick() => report(&progress),
            line = lines.recv(), if reading && room => match line {
                None => reading = false,
                Some(line) => {
                    let sent = take(line, shape, writer, &tell, &mut progress).await;
                    reading &= sent;
                }
            },
        }
        while let Ok(outcome) = heard.try_recv() {
            hear(outcome, &mut progress, &mut reading);
        }
    }
    drain(&mut heard, &mut progress);
    progress
}

fn hear((line, outcome): Heard, progress: &mut Progress, reading: &mut bool) {
    progress.under_way -= 1;
    match outcome {
        Ok(()) => progress.written += 1,
        Err(error) => {
            *reading = false;
            let certain = error.reaction == Reaction::DeadLetter;
            let doubt = if certain {
                ""
            } else {
                " (nobody knows whether Kafka has it)"
            };
            progress.fails(line, format!("{error}{doubt}"));
        }
    }
}

/// What was heard of at the last moment.
fn drain(heard: &mut UnboundedReceiver<Heard>, progress: &mut Progress) {
    while let Ok(outcome) = heard.try_recv() {
        hear(outcome, progress, &mut true);
    }
}

/// Whether the next line may follow.
async fn take(
    (number, line): Line,
    shape: &Shape,
    writer: &dyn Writer,
    tell: &UnboundedSender<Heard>,
    progress: &mut Progress,
) -> bool {
    progress.line = number;
    let line = match line {
        Ok(line) => line,
        Err(error) => {
            progress.fails(number, error.to_string());
            return false;
        }
    };
    if line.is_empty() || (!shape.raw && line.trim_ascii().is_empty()) {
        return true;
    }
    let tell = tell.clone();
    let mut done: Option<Done> = Some(Box::new(move |outcome| {
        // Nobody listens after a second interruption.
        let _ = tell.send((number, outcome));
    }));
    while let Some(again) = done.take() {
        match offer(&line, shape, writer, again) {
            Ok(back) => done = back,
            Err(why) => {
                progress.fails(number, why);
                return false;
            }
        }
        if done.is_some() {
            tokio::time::sleep(FULL).await;
        }
    }
    progress.under_way += 1;
    true
}

/// Given back: the queue is full.
///
/// # Errors
/// Why no record can be made of the line.
fn offer(line: &[u8], shape: &Shape, writer: &dyn Writer, done: Done) -> Result<Option<Done>, String> {
    let arena = Bump::new();
    let event = if shape.raw {
        Value::Null
    } else {
        value::parse(line, &arena).map_err(|error| format!("it is not JSON: {error}; --raw sends lines as they are"))?
    };
    let origin = Origin {
        topic: &shape.topic,
        partition: -1,
        offset: -1,
    };
    let record = Record {
        key: None,
        value: event,
        headers: &[],
        timestamp: -1,
        origin,
    };
    let mut headers = bumpalo::collections::Vec::new_in(&arena);
    for (name, expression) in &shape.headers {
        let text = expression.evaluate_text(&Scope::new(&arena, &record));
        if let Some(text) = text.map_err(|error| error.to_string())? {
            headers.push(Header {
                name,
                value: Some(text.as_bytes()),
            });
        }
    }
    let record = Record {
        headers: headers.into_bump_slice(),
        ..record
    };
    let scope = Scope::new(&arena, &record);
    let key = match &shape.key {
        Some(key) => key.evaluate_key(&scope).map_err(|error| error.to_string())?,
        None => None,
    };
    let outgoing = Outgoing {
        topic: &shape.topic,
        partition: None,
        key: key.map(|key| key.bytes),
        value: Some(line),
        headers: record.headers,
        timestamp: None,
    };
    Ok(writer.write(outgoing, done))
}

/// The lines with their numbers, from a thread, as reading may wait for ever. Nobody waits for its end.
fn lines(mut input: Box<dyn BufRead + Send>) -> Receiver<Line> {
    let (tell, lines) = channel(READ_AHEAD);
    std::thread::spawn(move || {
        let mut number = 0;
        loop {
            let mut line = Vec::new();
            let read = input.by_ref().take(LONGEST).read_until(b'\n', &mut line);
            number += 1;
            let line = match read {
                Ok(0) => return,
                Ok(_) if line.len() as u64 == LONGEST && !line.ends_with(b"\n") => {
                    let message = format!("it is longer than {} MiB", LONGEST / 1024 / 1024);
                    Err(io::Error::new(io::ErrorKind::InvalidData, message))
                }
                Ok(_) => Ok(without_end(line)),
                Err(error) => Err(error),
            };
            let is_last = line.is_err();
            if tell.blocking_send((number, line)).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

fn without_end(mut line: Vec<u8>) -> Vec<u8> {
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    line
}
