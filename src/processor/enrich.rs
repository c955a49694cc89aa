//! `enrich`: puts rows of tables into the value.
//!
//! Three things can be the matter with a row, and they come out differently: no key leaves the member out, a key without
//! a row makes it null (counted) or fails, a row is put in as it is.

use super::{Context, Definition, Failure, Processor, Reading, count, kind, read};
use crate::expression::{Expression, Scope};
use crate::record::Record;
use crate::value::Value;
use crate::yaml::{self, Fields, Key, Mistakes, Node, Place};
use std::sync::Arc;

/// The longest key that a failure repeats, in characters.
const LONGEST_SHOWN: usize = 64;

#[derive(Clone)]
struct Enrich {
    lookups: Arc<[Lookup]>,
    missing: Missing,
}

struct Lookup {
    /// Where the row goes, from the value's root.
    path: Vec<String>,
    table: String,
    table_place: Place,
    key: Expression,
    /// Whether the key may be a secret, and stands in no message.
    secret: bool,
}

#[derive(Clone, Copy)]
enum Missing {
    Pass,
    DeadLetter,
}

/// Reads `{with: {member.path: {table: name, key: = expression}}, into: member.path, missing: pass | dead_letter}`.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let ways = yaml::word(&[("pass", Missing::Pass), ("dead_letter", Missing::DeadLetter)]);
    let into = fields.optional("into", path);
    let with = fields.required("with", |node, mistakes| lookups(node, reading, mistakes));
    let missing = fields.optional("missing", ways).unwrap_or(Missing::Pass);
    let mut lookups = with?;
    for lookup in &mut lookups {
        lookup.path.splice(0..0, into.iter().flatten().cloned());
    }
    Some(Arc::new(Enrich {
        lookups: lookups.into(),
        missing,
    }))
}

fn lookups(node: &Node, reading: &Reading<'_>, mistakes: &mut Mistakes) -> Option<Vec<Lookup>> {
    let nodes = yaml::map_of(yaml::tree)(node, mistakes)?;
    if nodes.is_empty() {
        let help = "write at least one, as in {collection: {table: collections, key: = event.collectionId}}";
        mistakes.add(&node.place, "there is nothing to enrich with", help);
        return None;
    }
    let read: Vec<Option<Lookup>> = nodes
        .iter()
        .map(|(key, node)| lookup(key, node, reading, mistakes))
        .collect();
    let read: Vec<Lookup> = read.into_iter().collect::<Option<_>>()?;
    for ((key, _), lookup) in nodes.iter().zip(&read) {
        // a row put inside another's would change it
        let inside = read
            .iter()
            .find(|other| lookup.path.len() > other.path.len() && lookup.path.starts_with(&other.path));
        if let Some(other) = inside {
            let message = format!(
                "`{}` lies inside `{}`, which is a row itself",
                key.text,
                other.path.join(".")
            );
            mistakes.add(&key.place, message, "put it beside that row");
        }
    }
    Some(read)
}

fn lookup(key: &Key, node: &Node, reading: &Reading<'_>, mistakes: &mut Mistakes) -> Option<Lookup> {
    let path = parse_path(&key.text, &key.place, mistakes);
    let mut fields = Fields::of(format!("the enrichment `{}`", key.text), &key.place, node, mistakes)?;
    let table = fields.required("table", yaml::text);
    let table_place = fields
        .find("table")
        .map_or_else(|| key.place.clone(), |node| node.place.clone());
    let expression = fields.required("key", read::expression(reading));
    fields.finish();
    let expression = expression?;
    Some(Lookup {
        path: path?,
        table: table?,
        table_place,
        secret: super::is_secret(&expression, reading.secrets),
        key: expression,
    })
}

fn path(node: &Node, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let text = yaml::text(node, mistakes)?;
    parse_path(&text, &node.place, mistakes)
}

fn parse_path(text: &str, place: &Place, mistakes: &mut Mistakes) -> Option<Vec<String>> {
    let names: Vec<String> = text.split('.').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) {
        let message = format!("`{}` is not the path of a member", yaml::shortened(text, 60));
        mistakes.add(
            place,
            message,
            "write the names of members with dots between them, as in detail.collection",
        );
        return None;
    }
    Some(names)
}

impl Definition for Enrich {
    fn type_name(&self) -> &'static str {
        "enrich"
    }

    fn tables(&self) -> Vec<(String, Place)> {
        let table = |lookup: &Lookup| (lookup.table.clone(), lookup.table_place.clone());
        self.lookups.iter().map(table).collect()
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Enrich {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let arena = context.arena();
        let scope = Scope { arena, record };
        let mut value = record.value;
        for lookup in self.lookups.iter() {
            let Some(key) = super::key("key", super::evaluate(&lookup.key, &scope)?)? else {
                continue;
            };
            let row = match (context.row(&lookup.table, key)?, self.missing) {
                (Some(row), _) => row,
                (None, Missing::DeadLetter) => return Err(lookup.missing(&String::from_utf8_lossy(key.bytes))),
                (None, Missing::Pass) => {
                    context.count(count::MISSING_ROW);
                    Value::Null
                }
            };
            let names = lookup.path.iter().map(|name| &*arena.alloc_str(name));
            let path = arena.alloc_slice_fill_iter(names);
            value = value
                .with(path, row, arena)
                .map_err(|type_name| lookup.blocked(type_name))?;
        }
        context.forward(Record { value, ..*record });
        Ok(())
    }
}

impl Lookup {
    fn missing(&self, key: &str) -> Failure {
        let key = match self.secret {
            true => "its key (not shown, as it may be a secret)".to_owned(),
            false => format!("key \"{}\"", yaml::shortened(key, LONGEST_SHOWN)),
        };
        let message = format!(
            "table {} has no row for {key}, for `{}`",
            self.table,
            self.path.join(".")
        );
        Failure::new(kind::MISSING_ROW, message)
    }

    fn blocked(&self, type_name: &str) -> Failure {
        let path = self.path.join(".");
        Failure::new(
            kind::WRONG_TYPE,
            format!("`{path}` can't be put in: a {type_name} stands where an object must"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::testing::{FakeContext, definition, mistakes, processor, record, try_definition};
    use bumpalo::Bump;
    use std::path::Path;

    const TWO: &str = "{type: enrich, with: {detail.collection: {table: collections, key: = event.?c}, detail.store: {table: stores, key: = event.?s}}}";

    fn context(arena: &Bump) -> FakeContext<'_> {
        FakeContext::new(arena)
            .with_row("collections", "686", r#"{"name":"one"}"#)
            .with_row("stores", "7", r#"{"name":"shop"}"#)
    }

    #[test]
    fn rows_are_put_where_they_belong_and_the_rest_stays() {
        let arena = Bump::new();
        let mut context = context(&arena);
        let value = r#"{"c":"686","s":7,"detail":{"a":1.50,"store":"old"}}"#;
        processor(TWO)
            .process(record(value, &arena), &mut context)
            .expect("enriched");
        let expected = r#"{"c":"686","detail":{"a":1.50,"collection":{"name":"one"},"store":{"name":"shop"}},"s":7}"#;
        assert_eq!(context.values(), [expected]);
    }

    #[test]
    fn no_key_leaves_the_member_out_and_no_row_makes_it_null_and_is_counted() {
        let arena = Bump::new();
        let mut context = context(&arena);
        let mut enrich = processor(TWO);
        enrich
            .process(record(r#"{"s":null}"#, &arena), &mut context)
            .expect("enriched");
        enrich
            .process(record(r#"{"c":"1"}"#, &arena), &mut context)
            .expect("enriched");
        assert_eq!(
            context.values(),
            [r#"{"s":null}"#, r#"{"c":"1","detail":{"collection":null}}"#]
        );
        assert_eq!(context.counted(count::MISSING_ROW), 1);
    }

    #[test]
    fn a_missing_row_can_be_a_failure_that_names_the_key_but_no_secret() {
        let failure = |key: &str| {
            let yaml =
                format!("{{type: enrich, with: {{row: {{table: t, key: = event.{key}}}}}, missing: dead_letter}}");
            let definition = try_definition(&yaml, Path::new("."), &["pin"]).expect("right");
            let arena = Bump::new();
            let value = format!(r#"{{"{key}":"{}"}}"#, "9".repeat(100));
            definition
                .build()
                .process(record(&value, &arena), &mut context(&arena))
                .expect_err("no row")
        };
        let shown = failure("id");
        assert_eq!(shown.kind, kind::MISSING_ROW);
        assert!(
            shown.message.contains("table t") && shown.message.contains(&format!("\"{}…\"", "9".repeat(64))),
            "{shown}"
        );
        assert!(!failure("pin").message.contains('9'));
    }

    #[test]
    fn a_row_can_go_into_a_member_for_all_but_not_into_a_text() {
        let arena = Bump::new();
        let mut context = context(&arena);
        let mut enrich = processor("{type: enrich, into: rows, with: {c: {table: collections, key: = event.c}}}");
        enrich
            .process(record(r#"{"c":"686"}"#, &arena), &mut context)
            .expect("enriched");
        assert_eq!(context.values(), [r#"{"c":"686","rows":{"c":{"name":"one"}}}"#]);
        let failure = enrich
            .process(record(r#"{"c":"686","rows":"hunter2"}"#, &arena), &mut context)
            .expect_err("a text");
        assert_eq!(failure.kind, kind::WRONG_TYPE);
        assert_eq!(
            failure.message,
            "`rows.c` can't be put in: a string stands where an object must"
        );
    }

    #[test]
    fn its_tables_are_known_with_their_places() {
        let tables = definition(TWO).tables();
        let names: Vec<_> = tables.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["collections", "stores"]);
        assert_eq!(tables[0].1.column, 50);
    }

    #[test]
    fn what_is_wrong_is_refused() {
        assert!(mistakes("{type: enrich, with: {}}")[0].contains("nothing to enrich with"));
        assert!(
            mistakes("{type: enrich, with: {a..b: {table: t, key: = key}}}")[0].contains("not the path of a member")
        );
        let inside = "{type: enrich, with: {a: {table: t, key: = key}, a.b: {table: t, key: = key}}}";
        assert!(mistakes(inside)[0].contains("`a.b` lies inside `a`"));
        assert_eq!(
            mistakes("{type: enrich, with: {a: {tabel: t, key: k}}, missing: drop}").len(),
            4
        );
    }
}
