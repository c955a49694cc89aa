//! A tree of constants and expressions.

use crate::expression::{Expression, Names, constant};
use crate::value::Value;
use crate::yaml::{Kind, Mistakes, Node};

#[derive(Debug)]
pub(super) enum Template {
    Constant(Value<'static>),
    Expression(Expression),
    /// Sorted by name.
    Object(Vec<Member>),
    List(Vec<Template>),
}

#[derive(Debug)]
pub(super) struct Member {
    pub name: &'static str,
    /// Written `?name`: left out when it is an empty object or list.
    pub unless_empty: bool,
    pub template: Template,
}

/// A name that lives as long as the process, as the topology does.
pub(super) fn forever(name: &str) -> &'static str {
    Box::leak(name.into())
}

impl Template {
    pub(super) fn compile(node: &Node, names: &Names, mistakes: &mut Mistakes) -> Option<Template> {
        match &node.kind {
            Kind::Map(entries) => {
                let mut members = Vec::with_capacity(entries.len());
                let mut whole = true;
                for (key, node) in entries {
                    let (name, unless_empty) = match key.text.strip_prefix('?') {
                        Some(name) => (name, true),
                        None => (key.text.as_str(), false),
                    };
                    match Template::compile(node, names, mistakes) {
                        Some(template) => members.push(Member {
                            name: forever(name),
                            unless_empty,
                            template,
                        }),
                        None => whole = false,
                    }
                }
                members.sort_by_key(|member| member.name);
                for pair in members.windows(2) {
                    if let [one, other] = pair
                        && one.name == other.name
                    {
                        let name = one.name;
                        mistakes.add(
                            &node.place,
                            format!("`{name}` and `?{name}` are one member"),
                            "keep one of them",
                        );
                        whole = false;
                    }
                }
                whole.then_some(Template::Object(members))
            }
            Kind::List(nodes) => {
                let templates: Vec<_> = nodes
                    .iter()
                    .map(|node| Template::compile(node, names, mistakes))
                    .collect();
                templates.into_iter().collect::<Option<Vec<_>>>().map(Template::List)
            }
            _ => match node.expression() {
                Some(text) => {
                    let compiled = Expression::compile_all(text, &node.expression_place(), names);
                    mistakes.take(compiled).map(Template::Expression)
                }
                None => constant(node, mistakes).map(Template::Constant),
            },
        }
    }

    /// Every expression in it.
    pub(super) fn expressions<'t>(&'t self, each: &mut dyn FnMut(&'t Expression)) {
        match self {
            Template::Constant(_) => {}
            Template::Expression(expression) => each(expression),
            Template::Object(members) => members.iter().for_each(|member| member.template.expressions(each)),
            Template::List(templates) => templates.iter().for_each(|template| template.expressions(each)),
        }
    }
}
