//! YAML to a plan, with every mistake.

use super::lets::{self, Lets};
use super::template::{Template, forever};
use super::{Each, INDEX, Let, Output, Plan};
use crate::expression::{Expression, Names};
use crate::value::SecretNames;
use crate::yaml::{self, Fields, Kind, Mistake, Mistakes, Node};
use std::collections::BTreeMap;
use std::path::Path;

/// What an element is called where there is no `each:`: no expression can spell it.
const NO_ELEMENT: &str = "";

pub(super) fn compile(node: &Node, folder: &Path, names: &Names, secrets: &SecretNames) -> Result<Plan, Vec<Mistake>> {
    let mut mistakes = Mistakes::new();
    let plan = Fields::of("a mapping", &node.place, node, &mut mistakes).and_then(|mut fields| {
        let plan = read(&mut fields, folder, names, secrets);
        fields.finish();
        plan
    });
    mistakes.or(plan)
}

fn read(fields: &mut Fields<'_>, folder: &Path, names: &Names, secrets: &SecretNames) -> Option<Plan> {
    let lets = lets::read(fields, folder, 0);
    let element = fields.find("each").and_then(|node| element(node, fields));
    let if_empty = fields.optional("if_empty", yaml::word(&[("output", true), ("nothing", false)]));
    if let (Some(_), None) = (if_empty, &element) {
        let place = fields.key_place("if_empty").clone();
        fields.wrong(
            &place,
            "`if_empty` says what to do when `each` has no element, and there is no `each`",
            "remove it",
        );
    }
    let element_name = element.as_ref().map_or(NO_ELEMENT, |(name, _)| name.as_str());
    let mut slots: Vec<&str> = vec![element_name, "index"];
    slots.extend(lets.keys().map(String::as_str));
    refuse_taken(
        fields,
        &lets,
        element.as_ref().map(|(name, node)| (name.as_str(), *node)),
        names,
    );
    let names = names.with_locals(slots.iter().copied());

    let each = element.as_ref().map(|(_, node)| leaf(node, &names, fields.mistakes));
    let condition = fields.optional("where", |node, mistakes| leaf(node, &names, mistakes));
    let key = fields.optional("key", |node, mistakes| leaf(node, &names, mistakes));
    let timestamp = fields.optional("timestamp", |node, mistakes| leaf(node, &names, mistakes));
    let headers = fields
        .find("headers")
        .map(|node| headers(node, &names, fields))
        .unwrap_or_default();
    let output = output(fields, &names);

    let mut roots: Vec<&Expression> = Vec::new();
    roots.extend(each.iter().flatten());
    roots.extend(
        condition
            .iter()
            .chain(&key)
            .chain(&timestamp)
            .chain(headers.iter().map(|(_, value)| value)),
    );
    if let Some(output) = &output {
        output.expressions(&mut |expression| roots.push(expression));
    }
    let compiled = compile_lets(&lets, &slots, &roots, &names, fields);
    for template in compiled.values() {
        template.expressions(&mut |expression| roots.push(expression));
    }
    reveals(fields, &roots, secrets);
    let of_element = of_element(&compiled, &slots, fields);

    let mut compiled = compiled;
    let plan_lets = (0..slots.len())
        .map(|slot| {
            Some(Let {
                name: slots.get(slot).copied()?.into(),
                template: compiled.remove(&slot)?,
                of_element: of_element.get(slot).copied()?,
            })
        })
        .collect();
    let each = match each {
        Some(elements) => Some(Each {
            elements: elements?,
            output_if_empty: if_empty.unwrap_or(false),
        }),
        None => None,
    };
    Some(Plan {
        each,
        condition,
        key,
        headers,
        timestamp,
        output: output?,
        lets: plan_lets,
    })
}

/// `each: {name: = elements}`.
fn element<'n>(node: &'n Node, fields: &mut Fields<'_>) -> Option<(String, &'n Node)> {
    if let [(key, elements)] = node.entries() {
        return Some((key.text.clone(), elements));
    }
    fields.wrong(
        &node.place,
        "`each` names one element and its list",
        "write it as {user: = list(event.users)}",
    );
    None
}

fn leaf(node: &Node, names: &Names, mistakes: &mut Mistakes) -> Option<Expression> {
    mistakes.take(Expression::of_node(node, names))
}

fn headers(node: &Node, names: &Names, fields: &mut Fields<'_>) -> Vec<(&'static str, Expression)> {
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("`headers` must be a map, and this is {}", node.type_name());
        fields.wrong(&node.place, message, "write it as {name: = expression}");
    }
    let entries = node.entries().iter();
    entries
        .filter_map(|(key, node)| Some((forever(&key.text), leaf(node, names, fields.mistakes)?)))
        .collect()
}

fn output(fields: &mut Fields<'_>, names: &Names) -> Option<Output> {
    let whole = fields.find("output");
    let set = fields.find("set");
    match (whole, set) {
        (Some(node), None) => Template::compile(node, names, fields.mistakes).map(Output::Whole),
        (None, Some(node)) => {
            if !matches!(node.kind, Kind::Map(_)) {
                let message = format!("`set` must be a map, and this is {}", node.type_name());
                fields.wrong(&node.place, message, "write it as {path.to.member: = expression}");
            }
            let members = node.entries().iter().map(|(key, node)| {
                let path = key.text.split('.').map(forever).collect();
                Some((path, Template::compile(node, names, fields.mistakes)?))
            });
            members.collect::<Option<Vec<_>>>().map(Output::Set)
        }
        (Some(_), Some(_)) => {
            let place = fields.key_place("set").clone();
            fields.wrong(
                &place,
                "a mapping has `output` or `set`, not both",
                "remove one of them",
            );
            None
        }
        (None, None) => {
            let place = fields.place().clone();
            fields.wrong(
                &place,
                "a mapping has no `output`",
                "add `output:` with the tree that goes out, or `set:` with what changes",
            );
            None
        }
    }
}

fn refuse_taken(fields: &mut Fields<'_>, lets: &Lets, each: Option<(&str, &Node)>, names: &Names) {
    for (name, found) in lets {
        if let Some(why) = names.refuses(name) {
            fields.wrong(&found.key.place, why, "choose another name");
        }
        if name == "index" || each.is_some_and(|(element, _)| element == name) {
            fields.wrong(
                &found.key.place,
                format!("`{name}` is the name of each element, or of its index"),
                "choose another name",
            );
        }
    }
    if let Some((element, node)) = each
        && let Some(why) = names.refuses(element)
    {
        fields.wrong(&node.place, why, "choose another name");
    }
}

/// The lets that are read, directly or through others; and our own in any case, so that no mistake hides in them.
fn compile_lets(
    lets: &Lets,
    slots: &[&str],
    roots: &[&Expression],
    names: &Names,
    fields: &mut Fields<'_>,
) -> BTreeMap<usize, Template> {
    let slot_of = |name: &str| slots.iter().position(|slot| *slot == name).filter(|slot| *slot > INDEX);
    let mut open: Vec<usize> = roots
        .iter()
        .flat_map(|expression| read_slots(expression, slots))
        .collect();
    open.extend(
        lets.iter()
            .filter(|(_, found)| found.own)
            .filter_map(|(name, _)| slot_of(name)),
    );
    let mut compiled = BTreeMap::new();
    let mut seen = vec![false; slots.len()];
    while let Some(slot) = open.pop() {
        match seen.get_mut(slot) {
            Some(seen) if slot > INDEX && !*seen => *seen = true,
            _ => continue,
        }
        let Some(found) = slots.get(slot).and_then(|name| lets.get(*name)) else {
            continue;
        };
        if let Some(template) = Template::compile(&found.node, names, fields.mistakes) {
            template.expressions(&mut |expression| open.extend(read_slots(expression, slots)));
            compiled.insert(slot, template);
        }
    }
    compiled
}

/// The slots of the names that an expression reads.
fn read_slots(expression: &Expression, slots: &[&str]) -> Vec<usize> {
    let root = |path: &str| path.split(['.', '[']).next().map(str::to_owned);
    let roots = expression.paths().filter_map(root);
    roots
        .filter_map(|root| slots.iter().position(|slot| *slot == root))
        .collect()
}

/// Which slots depend on the element; complains of lets that read each other in a circle.
fn of_element(compiled: &BTreeMap<usize, Template>, slots: &[&str], fields: &mut Fields<'_>) -> Vec<bool> {
    let mut reads: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (slot, template) in compiled {
        let read = reads.entry(*slot).or_default();
        template.expressions(&mut |expression| read.extend(read_slots(expression, slots)));
    }
    let mut walk = Walk {
        reads: &reads,
        state: vec![State::Unseen; slots.len()],
        circle: None,
    };
    let dependent = (0..slots.len()).map(|slot| walk.visit(slot)).collect();
    if let Some(slot) = walk.circle {
        let name = slots.get(slot).copied().unwrap_or_default();
        let place = fields.place().clone();
        fields.wrong(
            &place,
            format!("`{name}` is made of itself, through other lets"),
            "break the circle",
        );
    }
    dependent
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Unseen,
    Open,
    Done(bool),
}

struct Walk<'w> {
    reads: &'w BTreeMap<usize, Vec<usize>>,
    state: Vec<State>,
    circle: Option<usize>,
}

impl Walk<'_> {
    fn visit(&mut self, slot: usize) -> bool {
        if slot <= INDEX {
            return true;
        }
        match self.state.get(slot).copied() {
            Some(State::Done(dependent)) => return dependent,
            Some(State::Open) => {
                self.circle = Some(slot);
                return false;
            }
            _ => {}
        }
        self.set(slot, State::Open);
        let mut dependent = false;
        for read in self.reads.get(&slot).cloned().unwrap_or_default() {
            dependent |= self.visit(read);
        }
        self.set(slot, State::Done(dependent));
        dependent
    }

    fn set(&mut self, slot: usize, state: State) {
        if let Some(slot) = self.state.get_mut(slot) {
            *slot = state;
        }
    }
}

/// Secrets are read only where `reveals:` says so, and `reveals:` names only secrets.
fn reveals(fields: &mut Fields<'_>, expressions: &[&Expression], secrets: &SecretNames) {
    let list =
        yaml::list_of(|node: &Node, mistakes: &mut Mistakes| Some((node.place.clone(), yaml::text(node, mistakes)?)));
    let revealed = fields.optional("reveals", list).unwrap_or_default();
    for (place, name) in &revealed {
        if !secrets.contains(name) {
            fields.wrong(
                place,
                format!("`{name}` is no secret of this topology"),
                "remove it, or add it to `secrets:`",
            );
        }
    }
    let kept = secrets.except(revealed.iter().map(|(_, name)| name.as_str()));
    for mistake in expressions.iter().flat_map(|expression| expression.secrets_read(&kept)) {
        fields
            .mistakes
            .push(mistake.help("where it is meant to leave, name it under `reveals:` of the mapping"));
    }
}

impl Output {
    fn expressions<'t>(&'t self, each: &mut dyn FnMut(&'t Expression)) {
        match self {
            Output::Whole(template) => template.expressions(each),
            Output::Set(members) => members.iter().for_each(|(_, template)| template.expressions(each)),
        }
    }
}
