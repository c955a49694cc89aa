//! What a schema allows, in words.

use super::super::failure::name;
use super::super::node::Enum;

/// As many allowed names stand in a message.
const MOST_NAMES: usize = 10;

pub(super) fn symbols(of: &Enum) -> String {
    let symbols = of.symbols.iter().map(|symbol| format!("`{}`", name(symbol)));
    format!(
        "it is no symbol of the enum `{}`, which has {}",
        name(of.name.simple()),
        listed(symbols, of.symbols.len())
    )
}

pub(super) fn listed(names: impl Iterator<Item = String>, count: usize) -> String {
    let first: Vec<String> = names.take(MOST_NAMES).collect();
    match count.saturating_sub(MOST_NAMES) {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}
