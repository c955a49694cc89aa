//! Prepares a tree for CEL's interpreter.
//!
//! What has a plan becomes a name. What means something of ours becomes an index into a callable, `f(x, y)` as `@n[[x, y]]`:
//! our functions, `==`, `!=` and `in` (the interpreter's know nothing of our values), `orValue` and its like (which take
//! what is present as well as what is optional), and literals of lists and objects (the interpreter's objects have no
//! order of their own, and replay needs one).

use super::callable::Callable;
use super::compile::Planner;
use super::functions::Function;
use super::node::Node;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, ListExpr, LiteralValue, operators};
use cel::common::types::CelBool;

/// What a name `@n` in the tree stands for.
#[derive(Debug)]
pub(super) enum Part {
    Plan(Node),
    Callable(Callable),
}

/// Collects the parts while it goes through a tree.
pub(super) struct Rewriter<'p, 'n> {
    pub planner: &'p mut Planner<'n>,
    pub parts: Vec<Part>,
    /// Leaves everything but names to the interpreter, to compare it with the plan.
    pub only_names: bool,
}

impl Rewriter<'_, '_> {
    pub(super) fn rewrite(&mut self, tree: IdedExpr) -> IdedExpr {
        if matches!(tree.expr, Expr::Literal(_)) {
            return tree;
        }
        // where it is known only at run time whether it is an optional, the interpreter must see it
        if let Some(node) = self.planner.plan(&tree)
            && (!self.only_names || matches!(tree.expr, Expr::Ident(_)))
            && (!node.is_optional() || matches!(node, Node::Path(_) | Node::Absent))
        {
            return self.part(tree.id, Part::Plan(node));
        }
        let id = tree.id;
        let expr = match tree.expr {
            Expr::Call(call) => return self.call(id, call),
            Expr::Select(mut select) => {
                *select.operand = self.rewrite(std::mem::take(&mut *select.operand));
                Expr::Select(select)
            }
            Expr::List(list) => return self.callable(id, Callable::List, list.elements),
            Expr::Map(map) => {
                let entries = map.entries.into_iter().filter_map(|entry| match entry.expr {
                    EntryExpr::MapEntry(entry) => Some([entry.key, entry.value]),
                    EntryExpr::StructField(_) => None,
                });
                return self.callable(id, Callable::Object, entries.flatten().collect());
            }
            Expr::Comprehension(comprehension) => Expr::Comprehension(Box::new(self.comprehension(*comprehension))),
            other => other,
        };
        IdedExpr { id, expr }
    }

    fn call(&mut self, id: u64, mut call: CallExpr) -> IdedExpr {
        let callable = match (&call.target, call.func_name.as_str(), call.args.len()) {
            (None, operators::EQUALS, _) => Some(Callable::Equal(true)),
            (None, operators::NOT_EQUALS, _) => Some(Callable::Equal(false)),
            (None, operators::IN, _) => Some(Callable::In),
            (None, "first", _) => return self.first(id, call.args),
            (None, name, _) => Function::named(name).map(Callable::Function),
            (Some(_), "orValue" | "or", 1) => Some(Callable::OrValue),
            (Some(_), "hasValue", 0) => Some(Callable::HasValue),
            (Some(_), "value", 0) => Some(Callable::Demand),
            _ => None,
        };
        if let Some(callable) = callable {
            let target = call.target.take().map(|target| *target);
            return self.callable(id, callable, target.into_iter().chain(call.args).collect());
        }
        // the member of `.?` must stay the literal that it is
        call.args = call.args.into_iter().map(|argument| self.rewrite(argument)).collect();
        if let Some(target) = call.target.take() {
            // `optional` in `optional.of(x)` is no value
            let keep = matches!(&target.expr, Expr::Ident(name) if name == "optional");
            call.target = Some(Box::new(if keep { *target } else { self.rewrite(*target) }));
        }
        IdedExpr {
            id,
            expr: Expr::Call(call),
        }
    }

    /// `first(a, b)`, lazily, as the arguments of a call are evaluated all: `something(x) ? first(x) : first(b)` with `a`
    /// as `x`. A name is bound by a comprehension over nothing, which is CEL's way.
    fn first(&mut self, id: u64, mut arguments: Vec<IdedExpr>) -> IdedExpr {
        let tree = |expr| IdedExpr { id, expr };
        let call = |name: &str, args| {
            tree(Expr::Call(CallExpr {
                func_name: name.to_owned(),
                target: None,
                args,
            }))
        };
        let first = Callable::Function(Function::First);
        let last = arguments.pop().into_iter().collect();
        let mut chain = self.callable(id, first, last);
        for argument in arguments.into_iter().rev() {
            let bound = || tree(Expr::Ident("@first".to_owned()));
            let condition = self.callable(id, Callable::IsSomething, vec![bound()]);
            let value = self.callable(id, first, vec![bound()]);
            chain = tree(Expr::Comprehension(Box::new(ComprehensionExpr {
                iter_range: tree(Expr::List(ListExpr::new(Vec::new()))),
                iter_var: "@none".to_owned(),
                iter_var2: None,
                accu_var: "@first".to_owned(),
                accu_init: self.rewrite(argument),
                loop_cond: tree(Expr::Literal(LiteralValue::Boolean(CelBool::FALSE))),
                loop_step: bound(),
                result: call(operators::CONDITIONAL, vec![condition, value, chain]),
            })));
        }
        chain
    }

    fn comprehension(&mut self, mut comprehension: ComprehensionExpr) -> ComprehensionExpr {
        comprehension.iter_range = self.rewrite(comprehension.iter_range);
        // an empty list must stay the literal that the interpreter appends to
        if !matches!(&comprehension.accu_init.expr, Expr::List(list) if list.elements.is_empty()) {
            comprehension.accu_init = self.rewrite(comprehension.accu_init);
        }
        let names = [
            Some(comprehension.iter_var.clone()),
            comprehension.iter_var2.clone(),
            Some(comprehension.accu_var.clone()),
        ];
        let outer = self.planner.bound.len();
        self.planner.bound.extend(names.into_iter().flatten());
        comprehension.loop_cond = self.rewrite(comprehension.loop_cond);
        comprehension.loop_step = self.loop_step(comprehension.loop_step);
        comprehension.result = self.rewrite(comprehension.result);
        self.planner.bound.truncate(outer);
        comprehension
    }

    /// A step that appends, `@result + [x]` or `c ? @result + [x] : @result`, keeps its shape: the interpreter knows it
    /// and appends in place.
    fn loop_step(&mut self, step: IdedExpr) -> IdedExpr {
        let id = step.id;
        match step.expr {
            Expr::Call(mut call) if call.func_name == operators::CONDITIONAL => {
                let mut position = 0;
                call.args = call
                    .args
                    .into_iter()
                    .map(|argument| {
                        position += 1;
                        if position == 1 {
                            self.rewrite(argument)
                        } else {
                            self.loop_step(argument)
                        }
                    })
                    .collect();
                IdedExpr {
                    id,
                    expr: Expr::Call(call),
                }
            }
            Expr::Call(mut call) if call.func_name == operators::ADD => {
                call.args = call
                    .args
                    .into_iter()
                    .map(|argument| match argument.expr {
                        Expr::List(mut list) => {
                            list.elements = list.elements.into_iter().map(|element| self.rewrite(element)).collect();
                            IdedExpr {
                                id: argument.id,
                                expr: Expr::List(list),
                            }
                        }
                        _ => self.rewrite(argument),
                    })
                    .collect();
                IdedExpr {
                    id,
                    expr: Expr::Call(call),
                }
            }
            expr => self.rewrite(IdedExpr { id, expr }),
        }
    }

    fn callable(&mut self, id: u64, callable: Callable, arguments: Vec<IdedExpr>) -> IdedExpr {
        let arguments = arguments.into_iter().map(|argument| self.rewrite(argument)).collect();
        let name = self.part(id, Part::Callable(callable));
        let list = IdedExpr {
            id,
            expr: Expr::List(ListExpr::new(arguments)),
        };
        let index = CallExpr {
            func_name: operators::INDEX.to_owned(),
            target: None,
            args: vec![name, list],
        };
        IdedExpr {
            id,
            expr: Expr::Call(index),
        }
    }

    fn part(&mut self, id: u64, part: Part) -> IdedExpr {
        self.parts.push(part);
        IdedExpr {
            id,
            expr: Expr::Ident(format!("@{}", self.parts.len() - 1)),
        }
    }
}
