//! Reads the cases beside a topology.

use super::document;
use super::{Case, ExpectedDeadLetter, ExpectedRecord, ExpectedTopic, ExpectedValue, Input, Row};
use crate::codec::{Format, Writer};
use crate::expression::{Expression, Names};
use crate::testkit::driver::Message;
use crate::testkit::schemas::TopicFormats;
use crate::topology::Topology;
use crate::value::{Value, parse};
use crate::yaml::{self, Fields, Kind, Mistakes, Node, Place, suggest};
use bumpalo::Bump;
use std::path::Path;
use std::sync::Arc;

/// Reads every case in `folder/tests`, in the order of file names. None where there is no such folder.
///
/// # Errors
/// Every mistake in them, in the order of files and lines.
pub fn read_folder(folder: &Path, topology: &Topology) -> Result<Vec<Case>, Vec<yaml::Mistake>> {
    let mut mistakes = Mistakes::new();
    let mut files = Vec::new();
    let tests = folder.join("tests");
    if tests.is_dir() {
        match std::fs::read_dir(&tests) {
            Ok(entries) => files.extend(entries.filter_map(Result::ok).map(|entry| entry.path())),
            Err(error) => mistakes.add(
                &Place::start_of("tests"),
                format!("can't be read: {error}"),
                "let it be read",
            ),
        }
    }
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
    });
    files.sort();
    let reading = Reading {
        folder,
        topology,
        formats: TopicFormats::new(topology),
        topics: topics(topology),
        names: Names::default(),
    };
    let mut cases = Vec::new();
    for path in files {
        let name = format!("tests/{}", path.file_name().unwrap_or_default().to_string_lossy());
        if let Some(root) = mistakes.take(yaml::read_file(&path, &name)) {
            cases.extend(reading.cases(&root, &mut mistakes));
        }
    }
    mistakes.or(Some(cases))
}

/// The topics that records come out at.
fn topics(topology: &Topology) -> Vec<String> {
    let sinks = topology.sinks.iter().flat_map(|sink| sink.topic.topics());
    let through = topology
        .processors
        .iter()
        .filter_map(|node| node.definition.through())
        .map(|through| through.topic);
    let kept = topology.processors.iter().filter_map(|node| node.definition.keeps());
    sinks.chain(through).chain(kept.map(|kept| kept.topic)).collect()
}

pub(super) struct Reading<'r> {
    pub folder: &'r Path,
    pub topology: &'r Topology,
    pub formats: TopicFormats<'r>,
    pub topics: Vec<String>,
    pub names: Names,
}

impl Reading<'_> {
    fn cases(&self, root: &Node, mistakes: &mut Mistakes) -> Vec<Case> {
        if matches!(root.kind, Kind::Null) {
            return Vec::new();
        }
        let cases = yaml::list_of(|node, mistakes| Some(self.case(node, mistakes)))(root, mistakes);
        cases.unwrap_or_default().into_iter().flatten().collect()
    }

    fn case(&self, node: &Node, mistakes: &mut Mistakes) -> Option<Case> {
        let mut fields = Fields::of("a case", &node.place, node, mistakes)?;
        let name = fields.required("name", yaml::text);
        let rows = fields.optional("tables", |node, mistakes| self.tables(node, mistakes));
        let inputs = fields.required("input", yaml::list_of(|node, mistakes| self.input(node, mistakes)));
        let outputs = fields.optional("output", |node, mistakes| self.outputs(node, mistakes));
        let says_output = node.get("output").is_some();
        let dead_letters = fields.optional(
            "dead_letters",
            yaml::list_of(|node, mistakes| self.dead_letter(node, mistakes)),
        );
        let says_dead_letters = node.get("dead_letters").is_some();
        let never = fields.optional(
            "never",
            yaml::list_of(|node, mistakes| Some((yaml::text(node, mistakes)?, node.place.clone()))),
        );
        let no_output = fields.optional("no_output", yaml::boolean);
        let place = fields.place();
        if no_output == Some(false) || (no_output.is_some() && says_output) {
            let at = fields.key_place("no_output").clone();
            fields.wrong(
                &at,
                "`no_output` is `true` or not there",
                "leave it out where there is `output`",
            );
        } else if no_output.is_none() && !says_output && !says_dead_letters {
            let help = "add `output:`, `dead_letters:` or `no_output: true`";
            fields.wrong(place, "this case does not say what comes out", help);
        }
        let place = place.clone();
        fields.finish();
        Some(Case {
            name: name?,
            place,
            rows: rows.unwrap_or_default(),
            inputs: inputs?,
            outputs: outputs.unwrap_or_default(),
            dead_letters: dead_letters.unwrap_or_default(),
            never: never.unwrap_or_default(),
        })
    }

    fn tables(&self, node: &Node, mistakes: &mut Mistakes) -> Option<Vec<Row>> {
        let known: Vec<&str> = self.topology.tables.iter().map(|table| table.name.as_str()).collect();
        let mut rows = Vec::new();
        for (key, node) in yaml::map_of(yaml::tree)(node, mistakes)? {
            self.known("table", &key.text, &key.place, &known, mistakes)?;
            let table = self.topology.tables.iter().find(|table| table.name == key.text)?;
            let writer = self.writer(&table.format, &table.topic, &key.place, mistakes)?;
            if node.get("file").is_some() {
                let mut fields = Fields::of("a table's rows", &key.place, node, mistakes)?;
                let file = fields.required("file", |node, mistakes| {
                    rows_of_file(
                        &key.text,
                        &writer,
                        &document::read(node, self.folder, mistakes)?,
                        &node.place,
                        mistakes,
                    )
                });
                fields.finish();
                rows.extend(file?);
            } else {
                let row = |node: &Node, mistakes: &mut Mistakes| self.row(&key.text, &writer, node, mistakes);
                rows.extend(yaml::list_of(row)(node, mistakes)?);
            }
        }
        Some(rows)
    }

    /// What writes in the format of a source or a table.
    fn writer(&self, format: &Format, topic: &str, place: &Place, mistakes: &mut Mistakes) -> Option<Writer> {
        let writer = self.formats.writer(format, topic);
        writer
            .map_err(|error| {
                mistakes.add(
                    place,
                    error.to_string(),
                    "name its schema, so that records can be written with it",
                )
            })
            .ok()
    }

    fn row(&self, table: &str, writer: &Writer, node: &Node, mistakes: &mut Mistakes) -> Option<Row> {
        let mut fields = Fields::of("a row", &node.place, node, mistakes)?;
        let key = fields.required("key", |node, mistakes| document::key(node, writer, mistakes));
        let value = fields.required("value", |node, mistakes| {
            document::value(node, self.folder, writer, mistakes)
        });
        fields.finish();
        Some(Row {
            table: table.to_owned(),
            key: key?,
            value: value?,
        })
    }

    fn input(&self, node: &Node, mistakes: &mut Mistakes) -> Option<Input> {
        let known: Vec<&str> = self
            .topology
            .sources
            .iter()
            .map(|source| source.name.as_str())
            .collect();
        let mut fields = Fields::of("an input", &node.place, node, mistakes)?;
        let source = fields.required("source", |node, mistakes| {
            let name = yaml::text(node, mistakes)?;
            self.known("source", &name, &node.place, &known, mistakes)?;
            Some(name)
        });
        let read = self
            .topology
            .sources
            .iter()
            .find(|read| Some(&read.name) == source.as_ref());
        let format = read.map_or((Format::default(), ""), |read| (read.format.clone(), &read.topic));
        let writer = &self.writer(&format.0, format.1, &node.place, fields.mistakes)?;
        let key = fields.optional("key", |node, mistakes| document::key(node, writer, mistakes));
        let value = fields.optional("value", |node, mistakes| {
            document::value(node, self.folder, writer, mistakes)
        });
        let text = fields.optional("text", raw_text);
        let headers = fields.optional("headers", yaml::map_of(yaml::scalar_text));
        let timestamp = fields.optional("timestamp", time);
        let times = fields.optional("times", yaml::integer(1..=1_000));
        if node.get("value").is_some() == node.get("text").is_some() {
            let place = fields.place();
            let help = "write `value:` for a document or null, `text:` for any other bytes";
            fields.wrong(place, "an input has either `value` or `text`", help);
        }
        fields.finish();
        let headers = headers.unwrap_or_default().into_iter();
        let headers = headers
            .map(|(name, value)| (name.text.clone(), value.into_bytes()))
            .collect();
        let value = text.map(|text| Some(text.into_bytes())).or(value)?;
        let message = Message {
            key,
            value,
            headers,
            timestamp,
        };
        Some(Input {
            source: source?,
            message,
            times: usize::try_from(times.unwrap_or(1)).unwrap_or(1),
        })
    }

    fn outputs(&self, node: &Node, mistakes: &mut Mistakes) -> Option<Vec<ExpectedTopic>> {
        let known: Vec<&str> = self.topics.iter().map(String::as_str).collect();
        let topics = yaml::map_of(yaml::list_of(|node, mistakes| self.record(node, mistakes)))(node, mistakes)?;
        for (key, _) in &topics {
            self.known(
                "topic that this topology writes to,",
                &key.text,
                &key.place,
                &known,
                mistakes,
            );
        }
        let mut expected = Vec::with_capacity(topics.len());
        for (key, records) in topics {
            let reader = self.formats.reader(&key.text);
            let reader = reader.map_err(|error| mistakes.add(&key.place, error.to_string(), "mend its schema"));
            expected.push(ExpectedTopic {
                topic: key.text.clone(),
                place: key.place.clone(),
                reader: Arc::new(reader.ok()?),
                records,
            });
        }
        Some(expected)
    }

    fn record(&self, node: &Node, mistakes: &mut Mistakes) -> Option<ExpectedRecord> {
        let mut fields = Fields::of("an expected record", &node.place, node, mistakes)?;
        let key = fields.optional("key", |node, mistakes| match node.kind {
            Kind::Null => Some(None),
            _ => yaml::scalar_text(node, mistakes).map(Some),
        });
        let headers = fields.optional(
            "headers",
            yaml::map_of(|node, mistakes| match node.kind {
                Kind::Null => Some(None),
                _ => yaml::scalar_text(node, mistakes).map(Some),
            }),
        );
        let document = |node: &Node, mistakes: &mut Mistakes| document::expected(node, self.folder, mistakes);
        let value = fields.optional("value", document);
        let equals = fields.optional("equals", document);
        let that = fields.optional(
            "that",
            yaml::one_or_many(|node, mistakes| self.condition(node, mistakes)),
        );
        if node.get("value").is_some() && node.get("equals").is_some() {
            let place = fields.key_place("equals").clone();
            fields.wrong(
                &place,
                "there is `value` already",
                "`equals` is the whole document, `value` a part of it: leave one",
            );
        }
        fields.finish();
        let headers = headers.unwrap_or_default().into_iter();
        let whole = |tree| ExpectedValue { tree, whole: true };
        Some(ExpectedRecord {
            place: node.place.clone(),
            key,
            headers: headers.map(|(name, value)| (name.text.clone(), value)).collect(),
            value: value
                .map(|tree| ExpectedValue { tree, whole: false })
                .or(equals.map(whole)),
            that: that.unwrap_or_default(),
        })
    }

    fn condition(&self, node: &Node, mistakes: &mut Mistakes) -> Option<(String, Place, Expression)> {
        let Some(text) = node.expression() else {
            let message = format!("a condition is needed here, and this is {}", node.type_name());
            mistakes.add(&node.place, message, "write it as `= event.some.member == 1`");
            return None;
        };
        let compiled = Expression::compile(text, &node.expression_place(), &self.names);
        Some((text.trim().to_owned(), node.place.clone(), mistakes.take_one(compiled)?))
    }

    fn dead_letter(&self, node: &Node, mistakes: &mut Mistakes) -> Option<ExpectedDeadLetter> {
        let topology = self.topology;
        let mut fields = Fields::of("an expected dead letter", &node.place, node, mistakes)?;
        let reason = fields.optional("reason", yaml::text);
        let processor = fields.optional("processor", |node, mistakes| {
            let name = yaml::text(node, mistakes)?;
            let sources = topology.sources.iter().map(|source| source.name.as_str());
            let sinks = topology.sinks.iter().map(|sink| sink.name.as_str());
            let processors = topology.processors.iter().map(|node| node.name.as_str());
            let known: Vec<&str> = processors.chain(sources).chain(sinks).collect();
            // A record that no sink takes names them all.
            let all = name.split(',').all(|name| known.contains(&name));
            if !all {
                self.known("processor, source or sink", &name, &node.place, &known, mistakes)?;
            }
            Some(name)
        });
        let kind = fields.optional("kind", yaml::text);
        fields.finish();
        Some(ExpectedDeadLetter {
            place: node.place.clone(),
            reason,
            processor,
            kind,
        })
    }

    fn known(&self, what: &str, name: &str, place: &Place, known: &[&str], mistakes: &mut Mistakes) -> Option<()> {
        if known.contains(&name) {
            return Some(());
        }
        let help = match suggest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there is: {}", known.join(", ")),
        };
        mistakes.add(
            place,
            format!("there is no {what} `{}`", yaml::shortened(name, 100)),
            help,
        );
        None
    }
}

/// A text that may be empty, or begin with `= `.
fn raw_text(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    match &node.kind {
        Kind::String(text) => Some(text.clone()),
        _ => yaml::text(node, mistakes),
    }
}

/// Milliseconds since the epoch, or RFC 3339.
fn time(node: &Node, mistakes: &mut Mistakes) -> Option<i64> {
    let read = match &node.kind {
        Kind::Number(text) => text.parse().ok().filter(|time| *time >= 0),
        Kind::String(text) => text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond()),
        _ => None,
    };
    if read.is_none() {
        let message = format!("{} is not a time", node.shown());
        mistakes.add(
            &node.place,
            message,
            "write milliseconds since the epoch, or 2024-05-22T05:55:57Z",
        );
    }
    read
}

/// One row a line: `{"key": "1", "value": {...}}`.
fn rows_of_file(
    table: &str,
    writer: &Writer,
    bytes: &[u8],
    place: &Place,
    mistakes: &mut Mistakes,
) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let arena = Bump::new();
        let row = parse(line, &arena).map_err(|error| error.to_string()).and_then(|row| {
            let key = match (row.get("key"), writer.has_key_codec()) {
                (Some(Value::String(key)), false) => key.as_bytes().to_vec(),
                (Some(key), true) => document::encoded_key(key, writer, &arena)?,
                _ => return Err("its `key` is not a text".to_owned()),
            };
            let value = match row.get("value").ok_or("it has no `value`")? {
                Value::Null => None,
                value => Some(document::encoded_value(&value, writer, &arena)?),
            };
            Ok(Row {
                table: table.to_owned(),
                key,
                value,
            })
        });
        match row {
            Ok(row) => rows.push(row),
            Err(why) => {
                let message = format!("line {} of the file is no row: {why}", number + 1);
                mistakes.add(
                    place,
                    message,
                    r#"write a line a row, as in {"key": "1", "value": {"name": "one"}}"#,
                );
                return None;
            }
        }
    }
    Some(rows)
}
