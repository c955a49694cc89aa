//! A topology's mistakes, printed: as people read them, or as JSON.

use super::{Output, Terminal, counted};
use crate::broker::kafka::KafkaSettings;
use crate::topology::{self, Topology};
use crate::yaml::{Mistake, render};
use serde_json::json;
use std::io;
use std::path::Path;

/// Prints every mistake of the topology at `path`.
pub(crate) fn print(path: &Path, mistakes: &[Mistake], output: Output, terminal: &mut Terminal<'_>) -> io::Result<()> {
    if output == Output::Json {
        let list: Vec<_> = mistakes.iter().map(as_json).collect();
        return writeln!(terminal.out, "{}", json!({"ok": false, "mistakes": list}));
    }
    let folder = topology::folder_of(path);
    let source = |file: &str| std::fs::read_to_string(folder.join(file)).ok();
    let prefix = folder.join("").display().to_string();
    write!(terminal.err, "{}", render(mistakes, &prefix, &source))?;
    writeln!(terminal.err, "{}", counted(mistakes.len(), "mistake", "mistakes"))
}

/// Properties under `kafka:` that librdkafka does not take.
pub(crate) fn refused_properties(topology: &Topology) -> Vec<Mistake> {
    let properties = topology
        .kafka
        .iter()
        .map(|(name, (value, _))| (name.as_str(), value.as_str()));
    let refused = KafkaSettings::refused(properties).into_iter();
    let mistake = |(name, why): (String, String)| {
        let (_, place) = topology.kafka.get(&name)?;
        let mistake = Mistake::new(place, format!("librdkafka does not take `{name}`: {why}"));
        Some(mistake.help("its properties: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md"))
    };
    refused.filter_map(mistake).collect()
}

fn as_json(mistake: &Mistake) -> serde_json::Value {
    json!({
        "file": &*mistake.place.file,
        "line": mistake.place.line,
        "column": mistake.place.column,
        "message": mistake.message,
        "help": mistake.help,
    })
}
