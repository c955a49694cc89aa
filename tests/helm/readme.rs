//! The README's table of values, made of the comments in `values.yaml` that begin with `# --`.

use crate::rendering::json;
use crate::{bless, read, report, root};
use millstream::yaml::{Kind, Node, read_text};
use serde_json::Value;
use std::fmt::Write as _;

const VALUES: &str = "helm/millstream/values.yaml";
const PAGE: &str = "helm/millstream/README.md";
const BEGIN: &str = "<!-- of values.yaml: MILLSTREAM_BLESS=1 cargo test --test helm -->\n";
const END: &str = "<!-- end -->\n";

/// A value with its comment.
pub struct Row {
    /// Its keys, with points between them.
    pub path: String,
    default: Value,
    pub text: String,
}

/// Every value that has a comment, in the order of the file; what is below one is part of it.
///
/// # Panics
/// If a value has none, and none above it.
pub fn rows() -> Vec<Row> {
    let text = read(VALUES);
    let root = read_text(&text, VALUES).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let lines: Vec<&str> = text.lines().collect();
    let mut rows = Vec::new();
    let mut findings = Vec::new();
    gather(&root, "", &lines, &mut rows, &mut findings);
    report(&findings);
    assert!(rows.len() > 100, "{} values", rows.len());
    rows
}

fn gather(node: &Node, above: &str, lines: &[&str], rows: &mut Vec<Row>, findings: &mut Vec<String>) {
    let Kind::Map(entries) = &node.kind else { return };
    for (key, value) in entries {
        let path = match above {
            "" => key.text.clone(),
            above => format!("{above}.{}", key.text),
        };
        match comment(lines, key.place.line as usize) {
            Some(text) => rows.push(Row {
                path,
                default: json(value),
                text,
            }),
            None if matches!(&value.kind, Kind::Map(entries) if !entries.is_empty()) => {
                gather(value, &path, lines, rows, findings);
            }
            None => findings.push(format!(
                "{VALUES}:{}: {path} has no comment that begins with `# --`",
                key.place.line
            )),
        }
    }
}

/// What the lines directly above a line say, if they begin with `# --`.
fn comment(lines: &[&str], line: usize) -> Option<String> {
    let above = lines.get(..line - 1)?.iter().rev();
    let mut found: Vec<&str> = above.map_while(|line| line.trim_start().strip_prefix("# ")).collect();
    found.reverse();
    let begin = found.iter().rposition(|line| line.starts_with("-- "))?;
    let text = found.get(begin..)?.join(" ");
    Some(text.trim_start_matches("-- ").to_owned())
}

fn table() -> String {
    let mut table = String::from("| value | default | |\n| --- | --- | --- |\n");
    for row in rows() {
        let default = match &row.default {
            Value::String(text) if text.is_empty() => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        let _ = writeln!(
            table,
            "| `{}` | {default} | {} |",
            row.path,
            row.text.replace('|', "\\|")
        );
    }
    table
}

#[test]
fn the_table_of_values_is_what_values_yaml_says() {
    let page = read(PAGE);
    let (before, rest) = page.split_once(BEGIN).expect("where the table begins");
    let (found, after) = rest.split_once(END).expect("where it ends");
    let wanted = table();
    if found == wanted {
        return;
    }
    assert!(
        bless(),
        "{PAGE} is out of date: run `MILLSTREAM_BLESS=1 cargo test --test helm`"
    );
    std::fs::write(root().join(PAGE), format!("{before}{BEGIN}{wanted}{END}{after}")).expect("written");
}

#[test]
fn what_a_stage_can_have_of_its_own_is_marked_and_nothing_else() {
    let schema: Value = serde_json::from_str(&read("helm/millstream/values.schema.json")).expect("JSON");
    let properties = schema["$defs"]["stage"]["properties"].as_object().expect("properties");
    let only_there = ["only", "kind", "file"];
    let of_stages: Vec<&String> = properties
        .keys()
        .filter(|key| !only_there.contains(&key.as_str()))
        .collect();
    let rows = rows();
    let mut findings = Vec::new();
    let helper = read("helm/millstream/templates/_stage.tpl");
    for key in &of_stages {
        let first = rows.iter().find(|row| row.path.split('.').next() == Some(key.as_str()));
        match first {
            None => findings.push(format!("{key}: a stage can have it, and values.yaml has no default")),
            Some(row) if !row.text.ends_with("*stage*") => {
                findings.push(format!("{}: it isn't marked `*stage*`", row.path))
            }
            Some(_) => {}
        }
        if !helper.contains(&format!("\"{key}\"")) {
            findings.push(format!("{key}: templates/_stage.tpl does not pick it"));
        }
    }
    for row in rows.iter().filter(|row| row.text.ends_with("*stage*")) {
        let key = row.path.split('.').next().unwrap_or_default();
        if !properties.contains_key(key) {
            findings.push(format!(
                "{}: marked `*stage*`, but the schema lets no stage have it",
                row.path
            ));
        }
    }
    report(&findings);
}
