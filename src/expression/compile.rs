//! From CEL's syntax tree to a plan, as far as it goes.

use super::call::names_of;
use super::functions::Function;
use super::names::{Meaning, Names, forever, leaked};
use super::node::{Comparison, Node, View};
use super::path::{Index, Manner, Name, Path, Root, Step};
use super::place::Word;
use super::{NoLocals, Scope};
use crate::record::{Origin, Record};
use crate::value::Value;
use bumpalo::Bump;
use cel::common::ast::{CallExpr, EntryExpr, Expr, IdedExpr, LiteralValue, SelectExpr, operators};
use regex::Regex;

/// A mistake found while planning: what, what would be right, and the word in the expression that it is about.
#[derive(Debug)]
pub(super) struct Complaint {
    pub message: String,
    pub help: String,
    pub word: Word,
}

pub(super) struct Planner<'n> {
    pub names: &'n Names,
    /// Names that comprehensions around the tree at hand have bound.
    pub bound: Vec<String>,
    pub complaints: Vec<Complaint>,
}

impl Planner<'_> {
    /// `None`: this needs the interpreter.
    pub(super) fn plan(&mut self, tree: &IdedExpr) -> Option<Node> {
        match &tree.expr {
            Expr::Literal(literal) => constant(literal).map(Node::Constant),
            Expr::Ident(name) => self.name(name),
            Expr::Select(SelectExpr { operand, field, test }) => {
                let operand = self.plan(operand)?;
                if *test {
                    return Some(Node::Has(Box::new(path_of(operand)?), field.as_str().into()));
                }
                self.step(operand, Index::Member(Name::new(field)), Manner::Dot)
            }
            Expr::List(list) => {
                let nodes: Vec<Node> = list
                    .elements
                    .iter()
                    .map(|element| self.plan(element))
                    .collect::<Option<_>>()?;
                Some(folded(Node::List(nodes.into())))
            }
            Expr::Map(map) => {
                let mut entries = Vec::with_capacity(map.entries.len());
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else {
                        return None;
                    };
                    entries.push((self.plan(&entry.key)?, self.plan(&entry.value)?));
                }
                Some(folded(Node::Object(entries.into())))
            }
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(_) | Expr::Struct(_) | Expr::Unspecified => None,
        }
    }

    fn name(&self, name: &str) -> Option<Node> {
        if self.bound.iter().any(|bound| bound == name) {
            return None;
        }
        let root = match self.names.meaning(name) {
            Some(Meaning::Local(slot)) => Root::Local(slot, name.to_owned()),
            Some(Meaning::Variable(value)) => Root::Constant(value, name.to_owned()),
            None => match name {
                "event" => Root::Event,
                "key" => Root::Key,
                "headers" => Root::Headers,
                "record" => Root::Record,
                _ => return None,
            },
        };
        Some(Node::Path(Box::new(Path {
            root,
            steps: Vec::new(),
        })))
    }

    fn step(&mut self, operand: Node, index: Index, manner: Manner) -> Option<Node> {
        let mut path = path_of(operand)?;
        path.steps.push(Step { index, manner });
        let Root::Constant(_, name) = &path.root else {
            return Some(Node::Path(Box::new(path)));
        };
        if path.steps.iter().any(|step| matches!(step.index, Index::Dynamic(_))) {
            return Some(Node::Path(Box::new(path)));
        }
        // a constant's member that is not there will never be
        let name = name.clone();
        let arena = Bump::new();
        if let Err(failed) = path.walk(nowhere(&arena).view()) {
            let message = failed.into_reason().unwrap_or_default();
            let word = match path.steps.last().map(|step| &step.index) {
                Some(Index::Member(member)) => Word::Member(member.as_str().to_owned()),
                _ => Word::Name(name.clone()),
            };
            let help = format!("see what `{name}` is under `variables:`");
            self.complaints.push(Complaint { message, help, word });
        }
        Some(Node::Path(Box::new(path)))
    }

    fn call(&mut self, call: &CallExpr) -> Option<Node> {
        if let Some(target) = &call.target {
            return self.member_call(target, call);
        }
        if let Some(function) = Function::named(&call.func_name) {
            return self.function(function, &call.args);
        }
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [one, other]) => Some(Node::And(self.pair(one, other)?)),
            (operators::LOGICAL_OR, [one, other]) => Some(Node::Or(self.pair(one, other)?)),
            (operators::LOGICAL_NOT, [one]) => Some(Node::Not(Box::new(self.plan(one)?))),
            (operators::CONDITIONAL, [condition, then, otherwise]) => Some(Node::If(Box::new([
                self.plan(condition)?,
                self.plan(then)?,
                self.plan(otherwise)?,
            ]))),
            (operators::EQUALS, [one, other]) => Some(Node::Equal(self.pair(one, other)?, true)),
            (operators::NOT_EQUALS, [one, other]) => Some(Node::Equal(self.pair(one, other)?, false)),
            (operators::IN, [one, other]) => Some(Node::In(self.pair(one, other)?)),
            (operators::ADD, [one, other]) => Some(folded(Node::Add(self.pair(one, other)?))),
            (operators::LESS, [one, other]) => Some(Node::Compare(Comparison::Less, self.pair(one, other)?)),
            (operators::LESS_EQUALS, [one, other]) => {
                Some(Node::Compare(Comparison::LessOrEqual, self.pair(one, other)?))
            }
            (operators::GREATER, [one, other]) => Some(Node::Compare(Comparison::Greater, self.pair(one, other)?)),
            (operators::GREATER_EQUALS, [one, other]) => {
                Some(Node::Compare(Comparison::GreaterOrEqual, self.pair(one, other)?))
            }
            (operators::INDEX, [operand, index]) => self.index(operand, index, Manner::Bracket),
            (operators::OPT_INDEX, [operand, index]) => self.index(operand, index, Manner::MaybeBracket),
            (operators::OPT_SELECT, [operand, field]) => self.index(operand, field, Manner::MaybeDot),
            _ => None,
        }
    }

    fn member_call(&mut self, target: &IdedExpr, call: &CallExpr) -> Option<Node> {
        match (call.func_name.as_str(), call.args.as_slice()) {
            ("none", []) if matches!(&target.expr, Expr::Ident(name) if name == "optional") => Some(Node::Absent),
            ("orValue" | "or", [other]) => Some(Node::OrValue(self.pair(target, other)?)),
            ("hasValue", []) => Some(Node::HasValue(Box::new(self.plan(target)?))),
            ("value", []) => Some(Node::Demand(Box::new(self.plan(target)?))),
            ("matches", [pattern]) => {
                let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
                    return None;
                };
                match Regex::new(pattern.inner()) {
                    Ok(compiled) => Some(Node::Matches(Box::new(self.plan(target)?), compiled)),
                    Err(_) => {
                        let message = "this is not a regular expression".to_owned();
                        let help = "see https://docs.rs/regex for its syntax".to_owned();
                        self.complaints.push(Complaint {
                            message,
                            help,
                            word: Word::function("matches"),
                        });
                        None
                    }
                }
            }
            _ => None,
        }
    }

    fn function(&mut self, function: Function, arguments: &[IdedExpr]) -> Option<Node> {
        if let (Function::Date, [_, format]) = (function, arguments)
            && let Expr::Literal(LiteralValue::String(format)) = &format.expr
            && !super::times::is_format(format.inner())
        {
            let message = format!("`date` does not know the format `{}`", format.inner());
            let help = "write DD-MM-YYYY, MM-DD-YYYY or YYYY-MM-DD".to_owned();
            self.complaints.push(Complaint {
                message,
                help,
                word: Word::function("date"),
            });
        }
        let nodes: Vec<Node> = arguments
            .iter()
            .map(|argument| self.plan(argument))
            .collect::<Option<_>>()?;
        if let (Function::Without, [node, names]) = (function, nodes.as_slice())
            && let Some(names) = names.constant()
            && let Ok(names) = names_of(names)
        {
            return Some(Node::Without(Box::new(node.clone()), names));
        }
        if let (Function::Convert, [_, table]) = (function, nodes.as_slice())
            && let Some(Value::Object(entries)) = table.constant()
        {
            for wrong in entries
                .iter()
                .filter_map(|(_, entry)| super::convert::named(*entry).err())
            {
                self.complaints.push(Complaint {
                    message: wrong,
                    help: "write a table of names and conversions, as in {createdDate: timestamp_ms}".to_owned(),
                    word: Word::function("convert"),
                });
            }
        }
        if function == Function::First {
            return Some(Node::First(nodes.into()));
        }
        Some(Node::Call(function, nodes.into()))
    }

    fn index(&mut self, operand: &IdedExpr, index: &IdedExpr, manner: Manner) -> Option<Node> {
        let operand = self.plan(operand)?;
        let index = self.plan(index)?;
        let index = match index.constant() {
            Some(Value::String(name)) => Index::Member(Name::new(name)),
            Some(Value::Number(text)) => match text.parse() {
                Ok(index) => Index::Element(index),
                Err(_) => Index::Dynamic(index),
            },
            _ => Index::Dynamic(index),
        };
        self.step(operand, index, manner)
    }

    fn pair(&mut self, one: &IdedExpr, other: &IdedExpr) -> Option<Box<[Node; 2]>> {
        // both are looked at, for the complaints about each
        let (one, other) = (self.plan(one), self.plan(other));
        Some(Box::new([one?, other?]))
    }
}

fn constant(literal: &LiteralValue) -> Option<Value<'static>> {
    match literal {
        LiteralValue::Boolean(flag) => Some(Value::Bool(*flag.inner())),
        LiteralValue::Int(number) => Some(Value::Number(forever(&number.inner().to_string()))),
        LiteralValue::Double(number) => {
            let arena = Bump::new();
            super::compare::double_value(*number.inner(), &arena).ok().map(leaked)
        }
        LiteralValue::String(text) => Some(Value::String(forever(text.inner()))),
        LiteralValue::Null => Some(Value::Null),
        // no document has them
        LiteralValue::Bytes(_) | LiteralValue::UInt(_) => None,
    }
}

/// What a node gives as the beginning of a path. `None`: only the interpreter knows whether it is optional.
fn path_of(node: Node) -> Option<Path> {
    match node {
        Node::Path(path) => Some(*path),
        Node::Constant(value) => Some(Path {
            root: Root::Constant(value, "(…)".to_owned()),
            steps: Vec::new(),
        }),
        node if node.is_optional() => None,
        node => Some(Path {
            root: Root::Node(node),
            steps: Vec::new(),
        }),
    }
}

/// Lists, objects and sums of constants are constants.
fn folded(node: Node) -> Node {
    let constant = match &node {
        Node::List(nodes) => nodes.iter().all(|node| node.constant().is_some()),
        Node::Object(entries) => entries
            .iter()
            .all(|(name, value)| name.constant().is_some() && value.constant().is_some()),
        Node::Add(nodes) => nodes.iter().all(|node| node.constant().is_some()),
        _ => false,
    };
    let arena = Bump::new();
    let value = if constant {
        node.evaluate(nowhere(&arena).view())
    } else {
        return node;
    };
    match value {
        Ok(Some(value)) => Node::Constant(leaked(value)),
        _ => node,
    }
}

impl Node {
    /// Its value, where it always has the same.
    pub(super) fn constant(&self) -> Option<Value<'static>> {
        match self {
            Node::Constant(value) => Some(*value),
            Node::Path(path) => match (&path.root, path.steps.as_slice()) {
                (Root::Constant(value, _), []) => Some(*value),
                (Root::Constant(..), steps) => {
                    if steps.iter().any(|step| matches!(step.index, Index::Dynamic(_))) {
                        return None;
                    }
                    let arena = Bump::new();
                    path.walk(nowhere(&arena).view()).ok().flatten().map(leaked)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

/// A scope without a record, to evaluate what needs none.
struct Nowhere<'a> {
    scope: Scope<'a>,
}

fn nowhere(arena: &Bump) -> Nowhere<'_> {
    let origin = Origin {
        topic: "",
        partition: 0,
        offset: 0,
    };
    let record = arena.alloc(Record {
        key: None,
        value: Value::Null,
        headers: &[],
        timestamp: 0,
        origin,
    });
    Nowhere {
        scope: Scope::new(arena, record),
    }
}

impl<'a> Nowhere<'a> {
    fn view(&self) -> View<'_, 'a> {
        View {
            scope: self.scope,
            locals: &NoLocals,
        }
    }
}
