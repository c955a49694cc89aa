//! The sample events that ship with the topology.

use super::DemoError;
use include_dir::{Dir, include_dir};

/// `topology/customer-events`, as it was when the program was built.
pub static TOPOLOGY: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/topology/customer-events");

/// An event for a feed topic.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The document's name: `eventbridge/CreateUser`.
    pub name: String,
    pub topic: String,
    pub key: Option<String>,
    pub headers: Vec<(String, String)>,
    pub value: Vec<u8>,
    /// It is a second time the same event.
    pub again: bool,
}

/// Every how-many-th sample is played twice.
const AGAIN: usize = 7;

/// Every sample, the broken one too, and some of them again at the end.
pub fn all() -> Result<Vec<Sample>, DemoError> {
    let mut samples = Vec::new();
    for (folder, topic) in [
        ("eventbridge", "feed.eventbridge"),
        ("rabbitmq", "feed.rabbitmq"),
        ("native", "feed.customer"),
        ("subscriber", "feed.subscriber"),
    ] {
        let routing_keys = routing_keys()?;
        for (file, value) in files(&format!("samples/{folder}"))? {
            let stem = file.trim_end_matches(".json");
            let mut headers = Vec::new();
            if folder == "rabbitmq" {
                let Some((_, key)) = routing_keys.iter().find(|(name, _)| *name == file) else {
                    return Err(DemoError::Sample(format!(
                        "samples/rabbitmq.yaml has no routing key for {file}"
                    )));
                };
                headers.push(("rabbitmq.routing_key".to_owned(), key.clone()));
                headers.push(("rabbitmq.exchange".to_owned(), "ecomm".to_owned()));
                headers.push(("rabbitmq.vhost".to_owned(), "/".to_owned()));
            }
            samples.push(Sample {
                name: format!("{folder}/{stem}"),
                topic: topic.to_owned(),
                key: None,
                headers,
                value,
                again: false,
            });
        }
    }
    let again: Vec<Sample> = samples
        .iter()
        .filter(|sample| sample.name != BROKEN)
        .step_by(AGAIN)
        .map(|sample| Sample {
            again: true,
            ..sample.clone()
        })
        .collect();
    samples.extend(again);
    Ok(samples)
}

/// The sample that is not JSON, as it was given.
pub const BROKEN: &str = "eventbridge/CreateNotes";

/// The rows of the reference tables.
pub fn rows() -> Result<Vec<Sample>, DemoError> {
    let mut rows = Vec::new();
    for (file, text) in files("samples/tables")? {
        let table = file.trim_end_matches(".jsonl");
        for line in String::from_utf8_lossy(&text).lines().filter(|line| !line.is_empty()) {
            let row: serde_json::Value = serde_json::from_str(line)
                .map_err(|error| DemoError::Sample(format!("samples/tables/{file}: {error}")))?;
            rows.push(Sample {
                name: format!("tables/{table}"),
                topic: format!("reference.{table}"),
                key: row["key"].as_str().map(str::to_owned),
                headers: Vec::new(),
                value: row["value"].to_string().into_bytes(),
                again: false,
            });
        }
    }
    Ok(rows)
}

/// Name and bytes of every file of an embedded folder, by name.
fn files(folder: &str) -> Result<Vec<(String, Vec<u8>)>, DemoError> {
    let Some(dir) = TOPOLOGY.get_dir(folder) else {
        return Err(DemoError::Sample(format!("{folder} is not in the embedded topology")));
    };
    let mut files: Vec<_> = dir
        .files()
        .filter_map(|file| Some((file.path().file_name()?.to_str()?.to_owned(), file.contents().to_vec())))
        .collect();
    files.sort();
    Ok(files)
}

/// File and routing key of every RabbitMQ sample.
fn routing_keys() -> Result<Vec<(String, String)>, DemoError> {
    let text = TOPOLOGY
        .get_file("samples/rabbitmq.yaml")
        .and_then(|file| file.contents_utf8())
        .unwrap_or_default();
    let node = crate::yaml::read_text(text, "samples/rabbitmq.yaml").map_err(DemoError::Topology)?;
    let crate::yaml::Kind::Map(entries) = node.kind else {
        return Ok(Vec::new());
    };
    Ok(entries
        .into_iter()
        .filter_map(|(key, value)| match value.kind {
            crate::yaml::Kind::String(routing_key) => Some((key.text, routing_key)),
            _ => None,
        })
        .collect())
}
