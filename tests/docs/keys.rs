//! Which keys there are, asked of the readers: every key of every example is misspelt once, and what the readers then say
//! has both the keys that they take (`a source takes: topic, codec`) and, where it was needed, that it is missing.
//!
//! A page documents the keys of a map in a table whose head begins with `key of a source`, by the name that messages have for
//! the map; the keys of a processor's or feed's type stand under its name in backticks. The second column says `required`, or the default.

use crate::examples::{Example, examples, inspect, is_topology, lay_out};
use crate::page::{Page, in_backticks};
use millstream::processor::registry;
use millstream::testkit::case;
use millstream::topology::feed_types;
use millstream::yaml::{Key, Kind, Mistake, Node, read_text};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What readers take, by what they call the map: each key, and whether it is required.
type Known = BTreeMap<String, BTreeMap<String, bool>>;

/// The keys that every processor has: they are read before its type is.
const OF_EVERY_PROCESSOR: [&str; 3] = ["type", "from", "on_error"];
/// And that every feed has.
const OF_EVERY_FEED: [&str; 4] = ["type", "topic", "key", "headers"];

pub fn findings(pages: &[Page]) -> Vec<String> {
    let (mut asked, mut known) = (BTreeSet::new(), Known::new());
    for example in pages.iter().flat_map(|page| examples(page).0) {
        ask(&example, &mut asked, &mut known);
    }
    let mut findings = Vec::new();
    let mut documented = BTreeSet::new();
    for page in pages {
        for table in &page.tables {
            let Some(what) = table.heading.strip_prefix("key of ").map(without_article) else {
                continue;
            };
            let Some(keys) = known.get(what) else {
                findings.push(format!(
                    "{}: no example has {what}, so nobody can say which keys it takes",
                    page.path
                ));
                continue;
            };
            if !documented.insert(what.to_owned()) {
                findings.push(format!("{}: the keys of {what} are documented twice", page.path));
            }
            let mut rest: BTreeSet<&String> = keys.keys().collect();
            for row in &table.rows {
                let at = format!("{}:{}", page.path, row.line);
                let key = row
                    .cells
                    .first()
                    .and_then(|cell| in_backticks(cell).into_iter().next())
                    .unwrap_or_default();
                let says_required = row.cells.get(1).is_some_and(|cell| cell.contains("required"));
                match keys.get(&key) {
                    None => findings.push(format!("{at}: {what} takes no `{key}`")),
                    Some(required) if *required != says_required => {
                        let word = if *required { "required" } else { "not required" };
                        findings.push(format!("{at}: `{key}` of {what} is {word}"));
                    }
                    Some(_) => {}
                }
                rest.remove(&key);
            }
            findings.extend(
                rest.iter()
                    .map(|key| format!("{}: the table `key of {what}` lacks `{key}`", page.path)),
            );
        }
    }
    for (what, keys) in known.iter().filter(|(what, _)| !documented.contains(*what)) {
        let keys: Vec<&str> = keys.keys().map(String::as_str).collect();
        findings.push(format!(
            "no page has a table headed `key of {what}`; it takes {}",
            keys.join(", ")
        ));
    }
    findings
}

/// A key that was misspelt already, in a map that says the same: what it stands under, its type, its keys, the key.
type Asked = (String, Option<String>, Vec<String>, String);

/// Misspells each key of an example in turn.
fn ask(example: &Example, asked: &mut BTreeSet<Asked>, known: &mut Known) {
    let folder = lay_out(example);
    for file in example.iter().filter(|file| file.name.ends_with(".yaml")) {
        let Ok(tree) = read_text(&file.text, &file.name) else {
            continue;
        };
        let mut maps = Vec::new();
        maps_of(&tree, "", &mut maps);
        for (under, map) in &maps {
            for (key, _) in map.entries() {
                let (Some(text), true) = (misspelt(&file.text, key), asked.insert(of(under, map, key))) else {
                    continue;
                };
                let path = folder.path().join(&file.name);
                std::fs::write(&path, text).expect("a file");
                for mistake in mistakes(example, folder.path()) {
                    learn(map, key, &mistake, known);
                }
                std::fs::write(&path, &file.text).expect("a file");
            }
        }
    }
}

fn of(under: &str, map: &Node, key: &Key) -> Asked {
    let kind = map.get("type").and_then(|node| match &node.kind {
        Kind::String(kind) => Some(kind.clone()),
        _ => None,
    });
    let keys = map.entries().iter().map(|(key, _)| key.text.clone()).collect();
    (under.to_owned(), kind, keys, key.text.clone())
}

/// Every map of a tree, with the key of its root that it stands under.
fn maps_of<'n>(node: &'n Node, under: &str, maps: &mut Vec<(String, &'n Node)>) {
    match &node.kind {
        Kind::Map(entries) => {
            maps.push((under.to_owned(), node));
            for (key, node) in entries {
                maps_of(node, if under.is_empty() { &key.text } else { under }, maps);
            }
        }
        Kind::List(nodes) => nodes.iter().for_each(|node| maps_of(node, under, maps)),
        _ => {}
    }
}

/// The text with the key called otherwise. `None`: the key is in quotes, so that its place is not its first letter.
fn misspelt(text: &str, key: &Key) -> Option<String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = lines.get_mut(key.place.line as usize - 1)?;
    let at = line.char_indices().nth(key.place.column as usize - 1)?.0;
    line.get(at..)?.starts_with(&key.text).then_some(())?;
    line.insert_str(at, UNKNOWN);
    Some(lines.join("\n") + "\n")
}

const UNKNOWN: &str = "zz-";

/// What is wrong with every topology of an example, and with the cases of its first.
fn mistakes(example: &Example, folder: &Path) -> Vec<Mistake> {
    let mut all = Vec::new();
    for file in example.iter().filter(|file| is_topology(file)) {
        match inspect(&folder.join(&file.name)) {
            Err(mistakes) => all.extend(mistakes),
            Ok(topology) => all.extend(case::read_folder(folder, &topology).err().into_iter().flatten()),
        }
    }
    all
}

/// What one mistake says about the map in which a key was misspelt.
fn learn(map: &Node, key: &Key, mistake: &Mistake, known: &mut Known) {
    let takes = regex::Regex::new(r"(?:^|[?;] )([^?;]+) takes: (.*)$").expect("a pattern");
    let has_no = regex::Regex::new(r"^(.+) has no `([^`]+)`$").expect("a pattern");
    if let Some(found) = mistake.help.as_deref().and_then(|help| takes.captures(help))
        && mistake.message == format!("unknown key `{UNKNOWN}{}`", key.text)
    {
        for name in found[2].split(", ") {
            known
                .entry(what(map, &found[1], name))
                .or_default()
                .entry(name.to_owned())
                .or_default();
        }
    }
    if let Some(found) = has_no.captures(&mistake.message)
        && found[2] == key.text
    {
        known
            .entry(what(map, &found[1], &key.text))
            .or_default()
            .insert(key.text.clone(), true);
    }
}

/// What a map is called in the pages: as in messages, without article and name; a processor's or feed's own keys are its type's.
fn what(map: &Node, said: &str, key: &str) -> String {
    let said = without_article(said.split(" `").next().unwrap_or(said));
    let (shared, types): (&[&str], Vec<&str>) = match said {
        "processor" => (&OF_EVERY_PROCESSOR, registry().iter().map(|(name, _)| *name).collect()),
        "feed" => (&OF_EVERY_FEED, feed_types().collect()),
        _ => (&[], Vec::new()),
    };
    match map.get("type").map(|node| &node.kind) {
        Some(Kind::String(name)) if !shared.contains(&key) && types.contains(&name.as_str()) => format!("`{name}`"),
        _ => said.to_owned(),
    }
}

fn without_article(what: &str) -> &str {
    let articles = ["a ", "an ", "the "];
    articles
        .iter()
        .find_map(|article| what.strip_prefix(article))
        .unwrap_or(what)
}
