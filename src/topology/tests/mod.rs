//! What is refused, where and with which help; what is made of what is right.

mod feeds;
mod graphs;
mod parts;
mod plans;
mod rabbitmq;
mod robust;
mod schema_registry;
mod sqs;
mod tables;
mod whole;

use super::{Topology, load_text};
use crate::codec::{Codecs, Format};
use crate::yaml::Mistake;
use std::path::Path;

/// A topology that is right, and small enough to be changed in one place by a test.
const RIGHT: &str = "\
application: shop
sources:
  orders: {topic: feed.orders}
processors:
  clean: {type: redact, from: orders, fields: [token]}
sinks:
  out: {from: clean, topic: shop.orders}
dead_letters: {topic: shop.dead-letters}
";

fn load(text: &str) -> Result<Topology, Vec<Mistake>> {
    load_text(text, Path::new("no-such-folder"), &|_| None)
}

fn right(text: &str) -> Topology {
    load(text).unwrap_or_else(|mistakes| panic!("{:#?}", lines(&mistakes)))
}

/// Every mistake of the text, as `line:column message | help`.
fn wrong(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => panic!("this must be refused:\n{text}"),
        Err(mistakes) => lines(&mistakes),
    }
}

fn lines(mistakes: &[Mistake]) -> Vec<String> {
    let line = |m: &Mistake| {
        format!(
            "{}:{} {} | {}",
            m.place.line,
            m.place.column,
            m.message,
            m.help.as_deref().unwrap_or("-")
        )
    };
    mistakes.iter().map(line).collect()
}

/// [`RIGHT`] with one text in place of another.
fn with(old: &str, new: &str) -> String {
    assert!(RIGHT.contains(old), "{old} is not in it");
    RIGHT.replacen(old, new, 1)
}

/// The codecs of a format that needs no schema.
fn codecs(format: &Format) -> Codecs {
    Codecs {
        key: format.key_codec(),
        value: format.value.encoding.plain().unwrap(),
    }
}
