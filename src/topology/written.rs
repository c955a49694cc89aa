//! The parts of a topology as they are written, for people to look at: no variable replaced, nothing secret in it.

use super::{FILE, extends, folder_of};
use crate::yaml::{Kind, Mistake, Node};
use std::collections::BTreeMap;
use std::path::Path;

/// The sections whose parts are shown.
const SECTIONS: [&str; 5] = ["feeds", "sources", "tables", "processors", "sinks"];

/// What stands in for what is not shown.
const WITHHELD: &str = "…";

/// One part as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenPart {
    /// YAML in block style, without comments.
    pub text: String,
    /// `topology.yaml:12`.
    pub place: String,
}

/// The parts of the topology at `path`, by section and name, with what it extends merged in. `${NAME}` stays as it is, so what
/// the environment has is not in it; nor are defaults of variables of feeds, nor users and passwords in addresses.
///
/// # Errors
/// Where the files can't be read (any more).
pub fn written(path: &Path) -> Result<BTreeMap<(&'static str, String), WrittenPart>, Vec<Mistake>> {
    let tree = match path.file_name() {
        Some(name) if path.is_file() => extends::read(folder_of(path), &name.to_string_lossy()),
        _ => extends::read(path, FILE),
    }?;
    let mut parts = BTreeMap::new();
    for section in SECTIONS {
        for (key, node) in tree.get(section).map(Node::entries).unwrap_or_default() {
            let mut text = String::new();
            block(node, 0, section == "feeds", &mut text);
            let place = format!("{}:{}", key.place.file, key.place.line);
            parts.insert((section, key.text.clone()), WrittenPart { text, place });
        }
    }
    Ok(parts)
}

/// Short lists and maps stay on one line.
const LINE: usize = 72;

fn block(node: &Node, depth: usize, is_feed: bool, out: &mut String) {
    let indent = "  ".repeat(depth);
    match &node.kind {
        Kind::Map(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                out.push_str(&format!("{indent}{}:", quoted(&key.text)));
                below(value, depth + 1, is_feed, out);
            }
        }
        Kind::List(nodes) if !nodes.is_empty() => {
            for value in nodes {
                out.push_str(&format!("{indent}-"));
                below(value, depth + 1, is_feed, out);
            }
        }
        _ => out.push_str(&format!("{indent}{}\n", flow(node, is_feed))),
    }
}

fn below(value: &Node, depth: usize, is_feed: bool, out: &mut String) {
    let line = flow(value, is_feed);
    let is_simple = !matches!(&value.kind, Kind::Map(entries) if entries.len() > 3);
    let is_nested = matches!(&value.kind, Kind::Map(entries) if !entries.is_empty())
        || matches!(&value.kind, Kind::List(nodes) if !nodes.is_empty());
    if !is_nested || (is_simple && line.len() + 2 * depth <= LINE) {
        out.push_str(&format!(" {line}\n"));
    } else {
        out.push('\n');
        block(value, depth, is_feed, out);
    }
}

fn flow(node: &Node, is_feed: bool) -> String {
    match &node.kind {
        Kind::Null => "~".to_owned(),
        Kind::Bool(value) => value.to_string(),
        Kind::Number(text) => text.clone(),
        Kind::String(text) => quoted(&without_secrets(text, is_feed)),
        Kind::List(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(|node| flow(node, is_feed)).collect();
            format!("[{}]", nodes.join(", "))
        }
        Kind::Map(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, node)| format!("{}: {}", quoted(&key.text), flow(node, is_feed)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// In quotes where it would be read as something else without. For people: a line break is shown as `\n`.
fn quoted(text: &str) -> String {
    let is_expression = text.starts_with("= ");
    let odd = text.is_empty()
        || text.trim() != text
        || text.contains(|c: char| c.is_control() || "\"#{}[],".contains(c) && !is_expression)
        || text.contains(": ")
        || text.starts_with(|c: char| "&*!|>%@`'-?~".contains(c))
        || text.parse::<f64>().is_ok()
        || matches!(text, "true" | "false" | "null");
    if odd { format!("{text:?}") } else { text.to_owned() }
}

fn without_secrets(text: &str, is_feed: bool) -> String {
    let text = without_user(text);
    if !is_feed {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, variable)) = rest.split_once("${") {
        let (inside, after) = variable.split_once('}').unwrap_or((variable, ""));
        let name = inside.split_once(":-").map(|(name, _)| format!("{name}:-{WITHHELD}"));
        out.push_str(&format!("{before}${{{}}}", name.as_deref().unwrap_or(inside)));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// An address without the user and password in it.
fn without_user(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest.get(..end).and_then(|authority| authority.rfind('@')) {
        Some(at) => format!("{scheme}://{WITHHELD}{}", rest.get(at..).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn parts(text: &str) -> BTreeMap<(&'static str, String), WrittenPart> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), text).unwrap();
        written(folder.path()).unwrap()
    }

    fn text<'p>(
        parts: &'p BTreeMap<(&'static str, String), WrittenPart>,
        section: &'static str,
        name: &str,
    ) -> &'p str {
        &parts[&(section, name.to_owned())].text
    }

    #[test]
    fn a_part_is_shown_as_it_is_written_with_its_place() {
        let parts = parts(
            "application: a\nsources: {one: {topic: x}}\nprocessors:\n  keep:   # why\n    type: filter\n    from: [one]\n    \
             where: '= event.total > 100 && event.kind == \"x\"'\n    cases: {a/very/long/name/of/a/case: {map: one.yaml}, \
             another/very/long/name/of/a/case: {map: two.yaml}}\n",
        );
        assert_eq!(
            text(&parts, "processors", "keep"),
            "type: filter\nfrom: [one]\nwhere: = event.total > 100 && event.kind == \"x\"\ncases:\n  \
             a/very/long/name/of/a/case: {map: one.yaml}\n  another/very/long/name/of/a/case: {map: two.yaml}\n"
        );
        assert_eq!(parts[&("processors", "keep".to_owned())].place, "topology.yaml:4");
        assert_eq!(text(&parts, "sources", "one"), "topic: x\n");
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let parts = parts(
            "feeds:\n  a: {type: rabbitmq, url: 'amqp://ann:hunter2@host:5672/v', topic: x}\n  b: {url: \"${URL}\"}\n  c: {url: \
             \"${URL:-amqp://ann:hunter2@host}\", password: '${P:-hunter2}'}\n  d: {url: 'amqp://ann:hun@ter2@host'}\n",
        );
        assert_eq!(
            text(&parts, "feeds", "a"),
            "type: rabbitmq\nurl: amqp://…@host:5672/v\ntopic: x\n"
        );
        assert_eq!(text(&parts, "feeds", "b"), "url: \"${URL}\"\n");
        for part in parts.values() {
            for secret in ["hunter2", "ter2", "ann"] {
                assert!(!part.text.contains(secret), "{part:?}");
            }
        }
    }

    #[test]
    fn what_it_shows_of_the_shipped_topology_is_yaml_that_says_the_same() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events");
        let tree = extends::read(&path, FILE).unwrap();
        let places = regex::Regex::new("@[0-9]+:[0-9]+").unwrap();
        let shown = |node: &Node| places.replace_all(&format!("{node:?}"), "").into_owned();
        for ((section, name), part) in written(&path).unwrap() {
            let again = yaml::read_text(&part.text, "again.yaml").unwrap();
            let node = tree.get(section).and_then(|section| section.get(&name)).unwrap();
            assert_eq!(shown(node), shown(&again), "{name}:\n{}", part.text);
        }
    }
}
