//! `millstream check`: every mistake of a topology, or its counts.

use super::{Outcome, Output, Terminal, counted, mistakes};
use crate::topology::{self, Topology};
use serde_json::json;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;

/// Check a topology: every mistake with its place and what would be right
///
/// Environment variables that are not set are no mistake here, as a topology should be checked where its secrets are not:
/// they are listed, and their names stand in for them. `--strict` checks as `run` does.
#[derive(clap::Args)]
pub(crate) struct Check {
    /// The topology's folder, or the file in it
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// Take a variable that is not set for a mistake, as `run` does
    #[arg(long)]
    strict: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

impl Check {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let checked = if self.strict {
            topology::load(&self.path, terminal.environment).map(|topology| (topology, BTreeSet::new()))
        } else {
            topology::inspect(&self.path, terminal.environment)
        };
        let checked = checked.and_then(|(topology, unset)| {
            let refused = mistakes::refused_properties(&topology);
            if refused.is_empty() {
                Ok((topology, unset))
            } else {
                Err(refused)
            }
        });
        match checked {
            Ok((topology, unset)) => self.fine(&topology, &unset, terminal).map(|()| Outcome::Fine),
            Err(found) => mistakes::print(&self.path, &found, self.output, terminal).map(|()| Outcome::Failed),
        }
    }

    fn fine(&self, topology: &Topology, unset: &BTreeSet<String>, terminal: &mut Terminal<'_>) -> io::Result<()> {
        let counts = [
            ("feeds", "feed", topology.feeds.len()),
            ("sources", "source", topology.sources.len()),
            ("tables", "table", topology.tables.len()),
            ("processors", "processor", topology.processors.len()),
            ("sinks", "sink", topology.sinks.len()),
            ("subtopologies", "sub-topology", topology.graph().subtopologies.len()),
            ("topics", "topic", topology.plan().topics.len()),
        ];
        if self.output == Output::Json {
            let counts: serde_json::Map<_, _> = counts
                .iter()
                .map(|(many, _, count)| ((*many).to_owned(), json!(count)))
                .collect();
            let document = json!({"ok": true, "application": topology.application, "counts": counts, "unset": unset});
            return writeln!(terminal.out, "{document}");
        }
        let counts: Vec<_> = counts
            .iter()
            .filter(|(_, _, count)| *count > 0)
            .map(|(many, one, count)| {
                counted(
                    *count,
                    one,
                    if *one == "sub-topology" { "sub-topologies" } else { many },
                )
            })
            .collect();
        writeln!(terminal.out, "ok: {}: {}", topology.application, counts.join(", "))?;
        if !unset.is_empty() {
            let names: Vec<_> = unset.iter().map(String::as_str).collect();
            writeln!(terminal.err, "not set here, but needed to run: {}", names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::{folder, printed};

    const RIGHT: &str = "application: shop\nsources: {orders: {topic: \"${IN}\"}}\nsinks: {out: {from: orders, topic: out}}\ndead_letters: {topic: dead}\n";
    const WRONG: &str = "application: shop\nsources:\n  orders: {topc: feed}\nsinks: {out: {from: order, topic: out}}\ndead_letters: {topic: dead}\n";

    fn checked(text: &str, strict: bool, output: Output) -> String {
        let folder = folder(&[("topology.yaml", text)]);
        let check = Check {
            path: folder.path().to_owned(),
            strict,
            output,
        };
        let prefix = format!("{}/", folder.path().display());
        printed(|terminal| check.run(terminal)).replace(&prefix, "DIR/")
    }

    #[test]
    fn what_is_right_is_counted_and_what_it_needs_to_run_is_listed() {
        assert_eq!(
            checked(RIGHT, false, Output::Text),
            "ok: shop: 1 source, 1 sink, 1 sub-topology, 3 topics\n! not set here, but needed to run: IN\nFine\n"
        );
        assert_eq!(
            checked(RIGHT, false, Output::Json),
            "{\"ok\":true,\"application\":\"shop\",\"counts\":{\"feeds\":0,\"sources\":1,\"tables\":0,\"processors\":0,\"sinks\":1,\"subtopologies\":1,\"topics\":3},\"unset\":[\"IN\"]}\nFine\n"
        );
    }

    #[test]
    fn a_strict_check_takes_a_variable_that_is_not_set_for_a_mistake() {
        let shown = checked(RIGHT, true, Output::Text);
        assert!(
            shown.starts_with("! DIR/topology.yaml:2:27: the environment variable `IN` is not set\n"),
            "{shown}"
        );
        assert!(shown.ends_with("! 1 mistake\nFailed\n"), "{shown}");
    }

    #[test]
    fn every_mistake_is_shown_with_its_line_and_help() {
        assert_eq!(
            checked(WRONG, false, Output::Text),
            "\
! DIR/topology.yaml:3:3: a source has no `topic`
!   3 |   orders: {topc: feed}
!     |   ^^^^^^
!   help: add `topic:`
! 
! DIR/topology.yaml:3:12: unknown key `topc`
!   3 |   orders: {topc: feed}
!     |            ^^^^
!   help: did you mean `topic`? a source takes: topic, codec, schema, tombstones, on_error, description
! 
! DIR/topology.yaml:4:21: no source or processor is named `order`
!   4 | sinks: {out: {from: order, topic: out}}
!     |                     ^^^^^
!   help: did you mean `orders`?
! 
! 3 mistakes
Failed
"
        );
    }

    #[test]
    fn a_property_that_librdkafka_does_not_know_is_a_mistake_with_its_place() {
        let shown = checked(&format!("{RIGHT}kafka: {{linger.mz: 5}}\n"), false, Output::Text);
        assert!(
            shown.starts_with("! DIR/topology.yaml:5:9: librdkafka does not take `linger.mz`"),
            "{shown}"
        );
        assert!(shown.ends_with("Failed\n"), "{shown}");
    }

    #[test]
    fn mistakes_as_json_are_data_on_the_standard_output() {
        let shown = checked(WRONG, false, Output::Json);
        let document: serde_json::Value = serde_json::from_str(shown.trim_end_matches("Failed\n")).unwrap();
        assert_eq!(document["ok"], false);
        assert_eq!(document["mistakes"][2]["file"], "topology.yaml");
        assert_eq!(document["mistakes"][2]["line"], 4);
        assert_eq!(document["mistakes"][2]["help"], "did you mean `orders`?");
    }
}
