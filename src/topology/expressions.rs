//! Expressions where sinks take them, and what must not stand in one.

use crate::expression::{Expression, Names};
use crate::value::SecretNames;
use crate::yaml::{Mistakes, Node, text};

/// An expression: `= ` and CEL. `None` where nobody knows the names that it may use.
pub(super) fn expression(names: Option<&Names>) -> impl Fn(&Node, &mut Mistakes) -> Option<Expression> {
    move |node, mistakes| {
        let Some(text) = node.expression() else {
            let help = "begin it with `= `, as in `= event.id`";
            let message = format!("an expression is needed here, and this is {}", node.type_name());
            mistakes.add(&node.place, message, help);
            return None;
        };
        mistakes.take(Expression::compile_all(text, &node.expression_place(), names?))
    }
}

/// An expression, or a constant text.
pub(super) fn expression_or_text(names: Option<&Names>) -> impl Fn(&Node, &mut Mistakes) -> Option<Expression> {
    move |node, mistakes| {
        if node.expression().is_none() {
            text(node, mistakes)?;
        }
        mistakes.take(Expression::of_node(node, names?))
    }
}

/// What leaves by way of a key or header is not seen by the writer that leaves secrets out: so it must not read one.
pub(super) fn without_secrets(expression: &Expression, secrets: &SecretNames, mistakes: &mut Mistakes) {
    let help = "a secret leaves only in a message whose mapping `reveals` it: take another member";
    mistakes.extend(
        expression
            .secrets_read(secrets)
            .into_iter()
            .map(|mistake| mistake.help(help)),
    );
}
