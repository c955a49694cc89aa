//! Under which names a mapping passes on what stands under others: where a secret that it reveals may be found behind it.

use super::template::Template;
use super::{Let, Output, Plan};
use crate::expression::Expression;
use crate::value::SecretNames;

/// Stands for the key of what comes out. No member of a record that a mapping makes is called so.
pub const KEY: &str = "(key)";
/// Stands for the whole value of what comes out, where it is no object that the mapping builds.
pub const WHOLE: &str = "(value)";

/// Names of members, of lets, [`KEY`] and [`WHOLE`]. More than there are, rather than one too few: a name is known of what an expression
/// reads, not of what it makes of it.
pub(super) fn carried(plan: &Plan, names: &SecretNames) -> Vec<String> {
    let mut names = names.clone();
    let mut found: Vec<String> = Vec::new();
    loop {
        let mut new = Vec::new();
        {
            let mut note = |name: &str| {
                if !names.contains(name) {
                    new.push(name.to_owned());
                }
            };
            for Let { name, template, .. } in plan.lets.iter().flatten() {
                of(template, name, &names, &mut note);
            }
            match &plan.output {
                Output::Whole(template) => of(template, WHOLE, &names, &mut note),
                Output::Set(members) => {
                    for (path, template) in members {
                        of(template, path.last().copied().unwrap_or_default(), &names, &mut note);
                    }
                }
            }
            if plan.key.as_ref().is_some_and(|key| reads(key, &names)) {
                note(KEY);
            }
        }
        if new.is_empty() {
            return found;
        }
        names = names.with(&new);
        found.extend(new);
    }
}

fn of(template: &Template, name: &str, names: &SecretNames, note: &mut impl FnMut(&str)) {
    match template {
        Template::Constant(_) => {}
        Template::Expression(expression) if reads(expression, names) => note(name),
        Template::Expression(_) => {}
        Template::Object(members) => members
            .iter()
            .for_each(|member| of(&member.template, member.name, names, note)),
        Template::List(templates) => templates.iter().for_each(|template| of(template, name, names, note)),
    }
}

fn reads(expression: &Expression, names: &SecretNames) -> bool {
    let root = |path: &str| path.split(['.', '[']).next().is_some_and(|root| names.contains(root));
    !expression.secrets_read(names).is_empty() || expression.paths().any(root)
}
