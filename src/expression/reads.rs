//! What an expression reads: for the lineage of fields, and so that no secret is read unseen.

use super::children::children;
use super::names::Names;
use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, operators};
use std::collections::BTreeSet;

/// Paths and members that an expression reads.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reads {
    /// As in `event.detail.users[].id`; from the names that the expression sees.
    pub paths: BTreeSet<String>,
    /// The names of the members that are read by their literal name, wherever they are.
    pub members: BTreeSet<String>,
}

pub(super) fn reads(tree: &IdedExpr, names: &Names) -> Reads {
    let mut reader = Reader {
        names,
        aliases: Vec::new(),
        reads: Reads::default(),
    };
    reader.tree(tree);
    reader.reads
}

struct Reader<'n> {
    names: &'n Names,
    /// The variables of comprehensions, and the paths that they go through.
    aliases: Vec<(String, Option<String>)>,
    reads: Reads,
}

impl Reader<'_> {
    fn tree(&mut self, tree: &IdedExpr) {
        if let Some(path) = self.path(tree) {
            self.reads.paths.insert(path);
            return;
        }
        match &tree.expr {
            Expr::Select(select) => {
                self.member(&select.field, select.test);
                self.tree(&select.operand);
            }
            Expr::Call(call) => {
                if let Some(name) = literal_index(call) {
                    self.member(name, false);
                }
                children(tree).into_iter().for_each(|part| self.tree(part));
            }
            Expr::List(_) | Expr::Map(_) => children(tree).into_iter().for_each(|part| self.tree(part)),
            Expr::Comprehension(comprehension) => {
                let through = self.path(&comprehension.iter_range).map(|path| format!("{path}[]"));
                self.tree(&comprehension.iter_range);
                self.tree(&comprehension.accu_init);
                let outer = self.aliases.len();
                self.aliases.push((comprehension.iter_var.clone(), through));
                self.aliases
                    .extend(comprehension.iter_var2.clone().map(|name| (name, None)));
                self.aliases.push((comprehension.accu_var.clone(), None));
                self.tree(&comprehension.loop_cond);
                self.tree(&comprehension.loop_step);
                self.tree(&comprehension.result);
                self.aliases.truncate(outer);
            }
            Expr::Ident(_) | Expr::Literal(_) | Expr::Struct(_) | Expr::Unspecified => {}
        }
    }

    /// The path that a tree spells, its members counted as read on the way.
    fn path(&mut self, tree: &IdedExpr) -> Option<String> {
        match &tree.expr {
            Expr::Ident(name) => {
                if let Some((_, path)) = self.aliases.iter().rev().find(|(alias, _)| alias == name) {
                    return path.clone();
                }
                let known = super::names::ROOTS.contains(&name.as_str()) || self.names.meaning(name).is_some();
                known.then(|| name.clone())
            }
            Expr::Select(select) => {
                let path = self.path(&select.operand)?;
                self.member(&select.field, select.test);
                Some(format!("{path}.{}", select.field))
            }
            Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT, [operand, index]) => {
                    let path = self.path(operand)?;
                    match literal_index(call) {
                        Some(name) => {
                            self.member(name, false);
                            Some(format!("{path}.{name}"))
                        }
                        None => {
                            self.tree(index);
                            Some(format!("{path}[]"))
                        }
                    }
                }
                ("list", [list]) if call.target.is_none() => self.path(list),
                ("orValue", [other]) => {
                    let path = self.path(call.target.as_deref()?)?;
                    self.tree(other);
                    Some(path)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Asking whether a member is there reads nothing of it.
    fn member(&mut self, name: &str, test: bool) {
        if !test {
            self.reads.members.insert(name.to_owned());
        }
    }
}

/// The name in `a["name"]`, `a.?name` and `lookup(a, "name")`.
fn literal_index(call: &CallExpr) -> Option<&str> {
    let indexes = matches!(
        call.func_name.as_str(),
        operators::INDEX | operators::OPT_INDEX | operators::OPT_SELECT | "lookup"
    );
    match call.args.get(1).map(|argument| &argument.expr) {
        Some(Expr::Literal(LiteralValue::String(name))) if indexes => Some(name.inner()),
        _ => None,
    }
}
