//! `millstream dead-letters show`.

use super::list::{as_json, from};
use super::{ended, plain};
use crate::broker::Broker;
use crate::cli::cluster::Cluster;
use crate::cli::list::time;
use crate::cli::{Outcome, Output, Terminal};
use crate::codec::Codec;
use crate::dead_letter::Letter;
use crate::ops::dead_letters::{At, DeadLetters, Decoded, KeyCodecs, LettersError, Mark, Readers};
use crate::ops::state::shown_key;
use crate::topology::Topology;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::io::{self, Write};
use std::ops::ControlFlow;

/// Show one dead letter: why it failed and where, its headers, and its value
///
/// The value is read as its source reads it, and what the topology calls `secrets` is left out of it, and of the headers. What can't be read
/// may hold anything, so it takes `--raw` to see it.
#[derive(clap::Args)]
pub(crate) struct Show {
    /// The dead letter: PARTITION:OFFSET, as `list` shows it
    #[arg(value_name = "PARTITION:OFFSET")]
    at: At,
    #[command(flatten)]
    pub(super) cluster: Cluster,
    /// Also show all bytes as they are, secrets too: as text or, where they are none, in hexadecimal digits (in JSON: base64)
    #[arg(long)]
    raw: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub(super) output: Output,
}

const WITHHELD: &str = "(withheld: --raw shows it)";

impl Show {
    pub(super) fn with(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let readers = match Readers::new(topology) {
            Ok(readers) => readers,
            Err(error) => {
                writeln!(terminal.err, "error: {error}")?;
                return Ok(Outcome::Failed);
            }
        };
        let result = self.show(topology, broker, &readers, terminal.out);
        ended(result.map(|()| Outcome::Fine), terminal)
    }

    fn show(
        &self,
        topology: &Topology,
        broker: &dyn Broker,
        readers: &Readers,
        out: &mut dyn Write,
    ) -> Result<(), LettersError> {
        let letters = DeadLetters::open(broker, topology, &mut |_| {})?;
        let codecs = KeyCodecs::of(topology);
        letters.at(self.at, &mut |letter, mark| {
            let codec = codecs.of_letter(letter);
            match self.output {
                Output::Json => writeln!(out, "{}", self.json(letter, mark, codec, readers))?,
                Output::Text => self.print(letter, mark, codec, readers, out)?,
            }
            Ok(ControlFlow::Break(()))
        })
    }

    fn print(
        &self,
        letter: &Letter<'_>,
        mark: Option<Mark>,
        codec: Codec,
        readers: &Readers,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(out, "dead letter  {}", self.at)?;
        writeln!(
            out,
            "is           {}",
            mark.map_or("neither replayed nor dropped", Mark::name)
        )?;
        writeln!(out, "kind         {}", plain(letter.kind))?;
        writeln!(out, "failed in    {}", plain(letter.processor))?;
        writeln!(out, "message      {}", plain(letter.message))?;
        if let Some(detail) = letter.detail {
            writeln!(out, "at           {}", plain(detail))?;
        }
        writeln!(out, "came from    {}", plain(&from(letter)))?;
        writeln!(out, "its time     {}", time(letter.timestamp))?;
        if let Some(truncated) = letter.truncated {
            writeln!(out, "cut          {}", plain(truncated))?;
        }
        let key = letter.key.map(|key| plain(&shown_key(key, codec)));
        writeln!(out, "key          {}", key.as_deref().unwrap_or("(none)"))?;
        for header in letter.headers {
            let value = match header.value {
                None => "(no value)".to_owned(),
                Some(_) if readers.withholds(header.name) && !self.raw => WITHHELD.to_owned(),
                Some(value) => text_or_digits(value),
            };
            writeln!(out, "header       {}: {value}", plain(header.name))?;
        }
        let bytes = letter.value.map_or(0, <[u8]>::len);
        match readers.read(letter) {
            Decoded::Nothing => writeln!(out, "value        (none)")?,
            Decoded::Value { by, json, withheld } => {
                let secrets = if withheld { ", without its secrets" } else { "" };
                writeln!(out, "value        {bytes} bytes, read as `{by}`{secrets}:")?;
                let pretty: Option<String> = serde_json::from_str::<serde_json::Value>(&json)
                    .ok()
                    .and_then(|value| serde_json::to_string_pretty(&value).ok());
                writeln!(out, "{}", pretty.unwrap_or(json))?;
            }
            Decoded::Not(why) => {
                let remedy = if self.raw { "" } else { ". --raw shows it" };
                writeln!(out, "value        {bytes} bytes: {}{remedy}", plain(&why))?;
            }
        }
        if let (true, Some(value)) = (self.raw, letter.value) {
            writeln!(out, "raw          {}", text_or_digits(value))?;
        }
        Ok(())
    }

    fn json(&self, letter: &Letter<'_>, mark: Option<Mark>, codec: Codec, readers: &Readers) -> serde_json::Value {
        let mut document = as_json(letter, mark, codec);
        let header = |header: &crate::record::Header<'_>| {
            let value = match header.value {
                Some(_) if readers.withholds(header.name) && !self.raw => json!({"withheld": true}),
                value => bytes_json(value),
            };
            json!({"name": header.name, "value": value})
        };
        document["headers"] = letter.headers.iter().map(header).collect();
        document["decoded"] = match readers.read(letter) {
            Decoded::Nothing => json!(null),
            Decoded::Value { by, json, withheld } => {
                let value: serde_json::Value = serde_json::from_str(&json).unwrap_or(json!(json));
                json!({"as": by, "value": value, "secrets_withheld": withheld})
            }
            Decoded::Not(why) => json!({"error": why}),
        };
        if self.raw {
            document["raw"] = json!({"key": bytes_json(letter.key), "value": bytes_json(letter.value)});
        }
        document
    }
}

/// Bytes for programs: `text` where they are UTF-8, `base64` where not.
fn bytes_json(bytes: Option<&[u8]>) -> serde_json::Value {
    match bytes {
        None => json!(null),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => json!({"text": text}),
            Err(_) => json!({"base64": STANDARD.encode(bytes)}),
        },
    }
}

/// Bytes for people: text with what would steer a terminal escaped, or hexadecimal digits.
fn text_or_digits(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => plain(text),
        Err(_) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("0x{digits}")
        }
    }
}
