//! The names that expressions may use.

use super::functions::Function;
use crate::value::{Member, Value};
use crate::yaml::{Kind, Mistake, Mistakes, Node, suggest};
use std::sync::Arc;

/// Names that every expression sees.
pub(super) const ROOTS: [&str; 4] = ["event", "key", "headers", "record"];

/// Types that CEL names.
pub(super) const TYPES: [&str; 11] = [
    "bool",
    "bytes",
    "double",
    "int",
    "list",
    "map",
    "null_type",
    "optional_type",
    "string",
    "type",
    "uint",
];

/// Words that CEL keeps for itself.
const RESERVED: [&str; 22] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "has",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "optional",
    "package",
    "return",
    "true",
    "var",
    "while",
];

/// The names that an expression may use, beyond `event`, `key`, `headers` and `record`: the topology's variables
/// (constants) and, inside of a mapping, its own names. `Clone` is cheap (shared inside).
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<Known>);

#[derive(Clone, Debug, Default)]
struct Known {
    variables: Vec<(String, Value<'static>)>,
    locals: Vec<String>,
}

/// What a name stands for.
pub(super) enum Meaning {
    Variable(Value<'static>),
    Local(usize),
}

impl Names {
    /// Variables of a topology: constant trees. They live as long as the process, as the topology does.
    ///
    /// # Errors
    /// A name that can't be one in an expression, an expression among the constants.
    pub fn with_variables(variables: &Node) -> Result<Names, Vec<Mistake>> {
        let mut mistakes = Mistakes::new();
        if !matches!(variables.kind, Kind::Map(_)) {
            let message = format!("`variables` must be a map, and this is {}", variables.type_name());
            mistakes.add(&variables.place, message, "write it as {name: value}");
        }
        let mut known = Known::default();
        for (key, node) in variables.entries() {
            if let Some(wrong) = unusable(&key.text) {
                mistakes.add(&key.place, wrong, "choose another name");
            }
            if let Some(value) = constant(node, &mut mistakes) {
                known.variables.push((key.text.clone(), value));
            }
        }
        mistakes.or(Some(Names(Arc::new(known))))
    }

    /// The same and more names, whose values [`super::Locals`] gives by their position.
    pub fn with_locals<T: Into<String>>(&self, locals: impl IntoIterator<Item = T>) -> Names {
        let mut known = Known::clone(&self.0);
        known.locals.extend(locals.into_iter().map(Into::into));
        Names(Arc::new(known))
    }

    /// Why a name can't be given to something: it is taken, or CEL can't spell it.
    pub fn refuses(&self, name: &str) -> Option<String> {
        let taken = || {
            self.meaning(name)
                .map(|_| format!("`{name}` is already the name of something else"))
        };
        unusable(name).or_else(taken)
    }

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        let local = self
            .0
            .locals
            .iter()
            .rposition(|local| local == name)
            .map(Meaning::Local);
        let variable = || self.0.variables.iter().find(|(variable, _)| variable == name);
        local.or_else(|| variable().map(|(_, value)| Meaning::Variable(*value)))
    }

    /// The known name that was probably meant.
    pub(super) fn nearest(&self, name: &str) -> Option<&str> {
        let variables = self.0.variables.iter().map(|(name, _)| name.as_str());
        let locals = self.0.locals.iter().map(String::as_str);
        suggest(name, ROOTS.into_iter().chain(variables).chain(locals))
    }
}

fn unusable(name: &str) -> Option<String> {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(format!(
            "`{name}` can't be a name in expressions: letters, digits and `_` only, no digit first"
        ));
    }
    let kept = ROOTS.contains(&name) || TYPES.contains(&name) || RESERVED.contains(&name);
    (kept || Function::named(name).is_some()).then(|| format!("`{name}` has a meaning of its own in expressions"))
}

/// A tree of YAML as a constant. It complains of expressions.
pub(crate) fn constant(node: &Node, mistakes: &mut Mistakes) -> Option<Value<'static>> {
    if node.expression().is_some() {
        mistakes.add(&node.place, "an expression can't stand here", "write a constant");
        return None;
    }
    match &node.kind {
        Kind::Null => Some(Value::Null),
        Kind::Bool(flag) => Some(Value::Bool(*flag)),
        Kind::Number(text) => Some(Value::Number(forever(text))),
        Kind::String(text) => Some(Value::String(forever(text))),
        Kind::List(nodes) => {
            let values: Vec<Option<Value<'static>>> = nodes.iter().map(|node| constant(node, mistakes)).collect();
            let values: Vec<Value<'static>> = values.into_iter().collect::<Option<_>>()?;
            Some(Value::Array(values.leak()))
        }
        Kind::Map(entries) => {
            let mut members: Vec<Option<Member<'static>>> = Vec::new();
            for (key, node) in entries {
                members.push(constant(node, mistakes).map(|value| (forever(&key.text), value)));
            }
            let mut members: Vec<Member<'static>> = members.into_iter().collect::<Option<_>>()?;
            members.sort_by_key(|(name, _)| *name);
            Some(Value::Object(members.leak()))
        }
    }
}

/// A text that lives as long as the process, as every constant of a topology does.
pub(super) fn forever(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The same tree, for as long as the process lives.
pub(super) fn leaked(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Bool(flag) => Value::Bool(flag),
        Value::Number(text) => Value::Number(forever(text)),
        Value::String(text) => Value::String(forever(text)),
        Value::Array(elements) => Value::Array(
            elements
                .iter()
                .map(|element| leaked(*element))
                .collect::<Vec<_>>()
                .leak(),
        ),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| (forever(name), leaked(*value)));
            Value::Object(members.collect::<Vec<_>>().leak())
        }
    }
}
