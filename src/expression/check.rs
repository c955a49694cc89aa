//! What can be told of an expression before it runs: names and functions that nobody knows, arguments that a function does
//! not take, optionals where only a value will do.

use super::children::children;
use super::compile::Complaint;
use super::functions::Function;
use super::names::{Names, ROOTS, TYPES};
use super::place::Word;
use crate::yaml::suggest;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};

/// Functions of CEL, called as `f(x)`.
const GLOBAL: [&str; 9] = [
    "bool", "bytes", "double", "dyn", "int", "matches", "size", "string", "type",
];
/// Functions of CEL that don't mind an optional.
const TAKES_OPTIONAL: [&str; 2] = ["dyn", "type"];
/// Functions of CEL, called as `x.f(y)`.
const MEMBERS: [&str; 5] = ["contains", "endsWith", "matches", "size", "startsWith"];
/// The same, of what may be absent.
const OPTIONAL: [&str; 4] = ["hasValue", "or", "orValue", "value"];
const MACROS: [&str; 7] = ["all", "exists", "exists_one", "existsOne", "filter", "has", "map"];

pub(super) struct Check<'n> {
    pub names: &'n Names,
    pub bound: Vec<String>,
    pub complaints: Vec<Complaint>,
}

impl Check<'_> {
    pub(super) fn tree(&mut self, tree: &IdedExpr) {
        match &tree.expr {
            Expr::Ident(name) => self.name(name),
            Expr::Call(call) => self.call(call),
            Expr::Select(_) | Expr::List(_) | Expr::Map(_) => {
                children(tree).into_iter().for_each(|part| self.tree(part))
            }
            Expr::Comprehension(comprehension) => {
                self.value(&comprehension.iter_range, "a macro over a list");
                self.tree(&comprehension.accu_init);
                let outer = self.bound.len();
                self.bound.push(comprehension.iter_var.clone());
                self.bound.extend(comprehension.iter_var2.clone());
                self.bound.push(comprehension.accu_var.clone());
                self.tree(&comprehension.loop_cond);
                self.tree(&comprehension.loop_step);
                self.tree(&comprehension.result);
                self.bound.truncate(outer);
            }
            Expr::Struct(strct) => {
                let message = format!("`{}` is no type that can be made", strct.type_name);
                self.complain(
                    message,
                    "write an object: {'name': value}",
                    Word::Name(strct.type_name.clone()),
                );
            }
            Expr::Literal(_) | Expr::Unspecified => {}
        }
    }

    fn name(&mut self, name: &str) {
        let known = ROOTS.contains(&name)
            || TYPES.contains(&name)
            || name.starts_with('@')
            || self.bound.iter().any(|bound| bound == name)
            || self.names.meaning(name).is_some();
        if !known {
            let near = self.names.nearest(name).map(str::to_owned);
            let help = near.map_or_else(
                || {
                    "expressions see event, key, headers, record, the variables, and in a mapping its own names"
                        .to_owned()
                },
                |near| format!("did you mean `{near}`?"),
            );
            self.complain(format!("`{name}` is not known here"), help, Word::Name(name.to_owned()));
        }
    }

    fn call(&mut self, call: &CallExpr) {
        let name = call.func_name.as_str();
        let Some(target) = &call.target else {
            return self.global(name, call);
        };
        if matches!(&target.expr, Expr::Ident(name) if name == "optional") {
            if !matches!((name, call.args.len()), ("none", 0) | ("of" | "ofNonZeroValue", 1)) {
                self.complain(
                    format!("`optional.{name}` is not known"),
                    "there are optional.of(x) and optional.none()",
                    Word::function(name),
                );
            }
            return call.args.iter().for_each(|argument| self.tree(argument));
        }
        match (name, call.args.len()) {
            ("hasValue" | "value", 0) | ("or" | "orValue", 1) => {
                self.tree(target);
                call.args.iter().for_each(|argument| self.tree(argument));
            }
            ("size", 0) | ("contains" | "endsWith" | "matches" | "startsWith", 1) => {
                self.value(target, name);
                call.args.iter().for_each(|argument| self.value(argument, name));
            }
            (name, count) => {
                let known = || MEMBERS.into_iter().chain(OPTIONAL).chain(MACROS);
                let (message, help) = if Function::named(name).is_some() {
                    (
                        format!("`{name}` is not called on a value"),
                        format!("write {name}(x, ...)"),
                    )
                } else if known().any(|known| known == name) {
                    (
                        format!("`{name}` is not called with {count} arguments"),
                        "see CEL's definition of it".to_owned(),
                    )
                } else {
                    let near = suggest(name, known());
                    let help = near.map_or_else(
                        || "there is no such function on a value".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    );
                    (format!("the function `{name}` is not known"), help)
                };
                self.complain(message, help, Word::function(name));
                self.tree(target);
                call.args.iter().for_each(|argument| self.tree(argument));
            }
        }
    }

    fn global(&mut self, name: &str, call: &CallExpr) {
        match name {
            operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::ADD
            | operators::SUBSTRACT
            | operators::MULTIPLY
            | operators::DIVIDE
            | operators::MODULO
            | operators::NEGATE
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS => {
                call.args.iter().for_each(|argument| self.value(argument, name));
            }
            operators::CONDITIONAL => {
                for (position, argument) in call.args.iter().enumerate() {
                    if position == 0 {
                        self.value(argument, name)
                    } else {
                        self.tree(argument)
                    }
                }
            }
            operators::INDEX | operators::OPT_INDEX => {
                for (position, argument) in call.args.iter().enumerate() {
                    if position == 0 {
                        self.tree(argument)
                    } else {
                        self.value(argument, name)
                    }
                }
            }
            operators::EQUALS
            | operators::NOT_EQUALS
            | operators::IN
            | operators::OPT_SELECT
            | operators::NOT_STRICTLY_FALSE => call.args.iter().for_each(|argument| self.tree(argument)),
            _ => self.function(name, call),
        }
    }

    fn function(&mut self, name: &str, call: &CallExpr) {
        let arity = |count: usize| if name == "matches" { count == 2 } else { count == 1 };
        if let Some(function) = Function::named(name) {
            if let Some(wrong) = function.refuses(call.args.len()) {
                self.complain(wrong, "see the list of functions in the README", Word::function(name));
            }
        } else if GLOBAL.contains(&name) {
            if !arity(call.args.len()) {
                self.complain(
                    format!("`{name}` is not called with {} arguments", call.args.len()),
                    "see CEL's definition of it",
                    Word::function(name),
                );
            }
            if !TAKES_OPTIONAL.contains(&name) {
                return call.args.iter().for_each(|argument| self.value(argument, name));
            }
        } else if MEMBERS.contains(&name) || OPTIONAL.contains(&name) {
            self.complain(
                format!("`{name}` is called on a value"),
                format!("write x.{name}(...)"),
                Word::function(name),
            );
        } else {
            let known = Function::names().chain(GLOBAL).chain(["has"]);
            let help = suggest(name, known).map_or_else(
                || {
                    format!(
                        "there are {}, and those of CEL",
                        Function::names().collect::<Vec<_>>().join(", ")
                    )
                },
                |near| format!("did you mean `{near}`?"),
            );
            self.complain(
                format!("the function `{name}` is not known"),
                help,
                Word::function(name),
            );
        }
        call.args.iter().for_each(|argument| self.tree(argument));
    }

    /// A place where an optional, even a present one, is an error each time it runs.
    fn value(&mut self, tree: &IdedExpr, what: &str) {
        if is_optional(tree) {
            let what = what.trim_matches('_').replace("_?_", "?");
            let what = if what == "?_:" || what == "?:" {
                "?:"
            } else {
                what.as_str()
            };
            let what = if matches!(what, "[_]" | "[" | "[?_]") {
                "[]"
            } else {
                what
            };
            let message = format!("`{what}` needs a value, and this may be absent");
            self.complain(
                message,
                "say what it is where it is absent: (...).orValue(x)",
                last_word(tree),
            );
        }
        self.tree(tree);
    }

    fn complain(&mut self, message: String, help: impl Into<String>, word: Word) {
        self.complaints.push(Complaint {
            message,
            help: help.into(),
            word,
        });
    }
}

/// Whether this gives an optional in CEL's sense whenever it gives anything.
fn is_optional(tree: &IdedExpr) -> bool {
    match &tree.expr {
        Expr::Select(select) => !select.test && is_optional(&select.operand),
        Expr::Call(call) => match (&call.target, call.func_name.as_str()) {
            (None, operators::OPT_INDEX | operators::OPT_SELECT) => true,
            (None, operators::INDEX) => call.args.first().is_some_and(is_optional),
            (None, operators::CONDITIONAL) => call.args.iter().skip(1).any(is_optional),
            (Some(target), "of" | "none" | "ofNonZeroValue") => {
                matches!(&target.expr, Expr::Ident(name) if name == "optional")
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a tree has more than so many levels.
pub(super) fn is_deeper(tree: &IdedExpr, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else {
        return true;
    };
    children(tree).into_iter().any(|part| is_deeper(part, levels))
}

/// The word to point at.
fn last_word(tree: &IdedExpr) -> Word {
    match &tree.expr {
        Expr::Select(select) => Word::Member(select.field.clone()),
        Expr::Call(call) => match call.args.last().map(|argument| &argument.expr) {
            Some(Expr::Literal(LiteralValue::String(text))) => Word::Member(text.inner().to_owned()),
            _ => Word::function(&call.func_name),
        },
        _ => Word::None,
    }
}
