//! `millstream dead-letters list`.

use super::{Filters, Line, ended, plain};
use crate::broker::Broker;
use crate::cli::cluster::Cluster;
use crate::cli::list::{List as JsonList, time};
use crate::cli::{Outcome, Output, Terminal};
use crate::codec::Codec;
use crate::dead_letter::Letter;
use crate::ops::dead_letters::{DeadLetters, Group, Groups, KeyCodecs, LettersError, Mark};
use crate::ops::state::shown_key;
use crate::topology::Topology;
use serde_json::json;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// List dead letters, or count them by reason
///
/// One a line, separated by tabs: its place (`PARTITION:OFFSET`, as `show`, `replay` and `drop` take it), the record's own time, the kind,
/// where it failed, where it came from, its key, the message. In the order of partitions and offsets. Values are not shown.
#[derive(clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(super) cluster: Cluster,
    #[command(flatten)]
    filters: Filters,
    /// Also those that were replayed or dropped; which of these stands behind the place
    #[arg(long)]
    all: bool,
    /// Count them by reason: kind, processor and message, numbers and ids in it left out. The most frequent first
    #[arg(long)]
    group: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(super) output: Output,
}

impl List {
    pub(super) fn is_grouped(&self) -> bool {
        self.group
    }

    pub(super) fn with(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        progress: bool,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let result = self.list(topology, broker, progress, terminal);
        ended(result.map(|()| Outcome::Fine), terminal)
    }

    fn list(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        progress: bool,
        terminal: &mut Terminal<'_>,
    ) -> Result<(), LettersError> {
        let mut line = Line::new(progress);
        let err = &mut *terminal.err;
        let letters = DeadLetters::open(broker, topology, &mut |progress| {
            line.say("reading the marks", progress, err);
        })?;
        let codecs = KeyCodecs::of(topology);
        let query = self.filters.query();
        let (mut count, mut marked) = (0_u64, 0_u64);
        let mut groups = Groups::default();
        let mut list = JsonList::new(&mut *terminal.out);
        if query.limit != Some(0) {
            letters.each(
                &query.filter,
                &mut |progress| line.say("reading", progress, err),
                &mut |letter, mark| {
                    if mark.is_some() && !self.all {
                        marked += 1;
                        return Ok(ControlFlow::Continue(()));
                    }
                    count += 1;
                    if self.group {
                        groups.add(letter);
                    } else {
                        let codec = codecs.of_letter(letter);
                        match self.output {
                            Output::Json => list.add(&as_json(letter, mark, codec))?,
                            Output::Text => self.print(letter, mark, codec, list.out)?,
                        }
                    }
                    Ok(match query.limit {
                        Some(limit) if count >= limit => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    })
                },
            )?;
        }
        line.clear(err);
        match (self.group, self.output) {
            (true, Output::Json) => {
                groups
                    .sorted()
                    .into_iter()
                    .try_for_each(|group| list.add(&group_json(group)))?;
                list.end()?;
            }
            (true, Output::Text) => groups
                .sorted()
                .into_iter()
                .try_for_each(|group| print_group(group, list.out))?,
            (false, Output::Json) => list.end()?,
            (false, Output::Text) => {}
        }
        if groups.others > 0 {
            writeln!(
                err,
                "note: {} more have reasons beyond the first {}, which are not told apart: say more of them by --reason",
                groups.others,
                groups.sorted().len()
            )?;
        }
        let hidden = if marked > 0 {
            format!("; {marked} were replayed or dropped, which --all shows")
        } else {
            String::new()
        };
        if count == 0 {
            let nothing = if query.filter == crate::ops::dead_letters::Filter::default() {
                "there are no dead letters"
            } else {
                "no dead letter matches"
            };
            writeln!(err, "note: {nothing} in {}{hidden}", topology.dead_letters)?;
        } else if self.output == Output::Text {
            let letters = if count == 1 { "dead letter" } else { "dead letters" };
            writeln!(err, "{count} {letters}{hidden}")?;
        }
        Ok(())
    }

    fn print(&self, letter: &Letter<'_>, mark: Option<Mark>, codec: Codec, out: &mut dyn Write) -> io::Result<()> {
        let mark = if self.all {
            format!("\t{}", mark.map_or("-", Mark::name))
        } else {
            String::new()
        };
        writeln!(
            out,
            "{}:{}{mark}\t{}\t{}\t{}\t{}\t{}\t{}",
            letter.partition,
            letter.offset,
            time(letter.timestamp),
            plain(letter.kind),
            plain(letter.processor),
            plain(&from(letter)),
            plain(&letter.key.map_or_else(|| "-".to_owned(), |key| shown_key(key, codec))),
            plain(letter.message),
        )
    }
}

/// Where it came from: `topic:partition:offset`.
pub(super) fn from(letter: &Letter<'_>) -> String {
    match letter.source {
        None => "-".to_owned(),
        Some(source) => match source.place {
            Some((partition, offset)) => format!("{}:{partition}:{offset}", source.topic),
            None => source.topic.to_owned(),
        },
    }
}

pub(super) fn as_json(letter: &Letter<'_>, mark: Option<Mark>, codec: Codec) -> serde_json::Value {
    let place = letter.source.and_then(|source| source.place);
    json!({
        "partition": letter.partition,
        "offset": letter.offset,
        "is": mark.map(Mark::name),
        "time": time(letter.timestamp),
        "kind": letter.kind,
        "processor": letter.processor,
        "message": letter.message,
        "detail": letter.detail,
        "from": {
            "topic": letter.source.map(|source| source.topic),
            "partition": place.map(|(partition, _)| partition),
            "offset": place.map(|(_, offset)| offset),
        },
        "key": letter.key.map(|key| shown_key(key, codec)),
        "value_bytes": letter.value.map(<[u8]>::len),
        "truncated": letter.truncated,
    })
}

fn print_group(group: &Group, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}\t{}\t{}\t{}\t{}\t{}\t{}",
        group.count,
        time(group.first),
        time(group.last),
        plain(&group.kind),
        plain(&group.processor),
        group.example,
        plain(&group.shape),
    )
}

fn group_json(group: &Group) -> serde_json::Value {
    json!({
        "count": group.count,
        "first": time(group.first),
        "last": time(group.last),
        "kind": group.kind,
        "processor": group.processor,
        "message": group.shape,
        "example": group.example.to_string(),
    })
}
