//! `${NAME}` and `${NAME:-default}` in scalar values, replaced after parsing.
//!
//! So a variable's text is only ever a text: it can't add keys or lists, and it is never an expression. `$${` is a literal `${`.

use super::{Kind, Mistake, Mistakes, Node, Origin, shortened};
use std::collections::BTreeSet;

/// What to do about a variable that is not set and has no default.
pub enum Unset<'u> {
    /// Running needs it.
    Refuse,
    /// Checking does not: its name stands in for it, and is noted here.
    Note(&'u mut BTreeSet<String>),
}

/// Replaces variables in every scalar of the tree. A text without any stays as it is.
pub fn substitute(
    node: &mut Node,
    environment: &dyn Fn(&str) -> Option<String>,
    unset: &mut Unset<'_>,
    mistakes: &mut Mistakes,
) {
    let expression = node.expression().is_some();
    match &mut node.kind {
        Kind::List(nodes) => nodes
            .iter_mut()
            .for_each(|node| substitute(node, environment, unset, mistakes)),
        Kind::Map(entries) => entries
            .iter_mut()
            .for_each(|(_, node)| substitute(node, environment, unset, mistakes)),
        Kind::String(text) if text.contains("${") => match replaced(text, expression, environment, unset) {
            Ok((new, from)) => {
                *text = new;
                node.from = from;
            }
            Err((message, help)) => {
                mistakes.push(Mistake::new(&node.place, message).help(help));
                // stands in for what is missing, so that nobody complains of it again
                *text = "unset".to_owned();
                node.from = Origin::Unset;
            }
        },
        _ => {}
    }
}

type Wrong = (String, String);

fn replaced(
    text: &str,
    expression: bool,
    environment: &dyn Fn(&str) -> Option<String>,
    unset: &mut Unset<'_>,
) -> Result<(String, Origin), Wrong> {
    let mut out = String::with_capacity(text.len());
    let mut from = Origin::File;
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, variable) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = variable.strip_prefix("${").unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let inside = variable.strip_prefix("${").unwrap_or_default();
        let Some((inside, after)) = inside.split_once('}') else {
            return Err((
                "`${` has no `}`".to_owned(),
                "write `${NAME}`, or `$${` for the characters themselves".to_owned(),
            ));
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            let message = format!("`${{{}}}` is not the name of a variable", shortened(inside, 40));
            return Err((
                message,
                "write `${NAME}` or `${NAME:-default}`, or `$${` for the characters themselves".to_owned(),
            ));
        }
        if expression {
            let help = "give it a name under `variables:` and use that name in the expression; `$${` for the characters themselves";
            return Err((
                format!("the variable `${{{name}}}` stands inside an expression"),
                help.to_owned(),
            ));
        }
        // as in a shell: `:-` is for a variable that is empty, too
        let value = environment(name).filter(|value| default.is_none() || !value.is_empty());
        match (value, default) {
            (Some(value), _) => {
                out.push_str(&value);
                from = stronger(from, Origin::Environment);
            }
            (None, Some(default)) => {
                out.push_str(default);
                from = stronger(from, Origin::Environment);
            }
            (None, None) => match unset {
                Unset::Refuse => {
                    let help = format!("set it, or give a default: `${{{name}:-default}}`");
                    return Err((format!("the environment variable `{name}` is not set"), help));
                }
                Unset::Note(names) => {
                    names.insert(name.to_owned());
                    out.push_str(name);
                    from = Origin::Unset;
                }
            },
        }
        rest = after;
    }
    out.push_str(rest);
    Ok((out, from))
}

fn stronger(one: Origin, other: Origin) -> Origin {
    if one == Origin::Unset { one } else { other }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
