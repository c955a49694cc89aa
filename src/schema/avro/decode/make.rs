//! Values and members, of what was read.

use super::super::failure::{Done, failed};
use crate::value::{Member, Value};
use ahash::AHashMap;
use bumpalo::Bump;

/// Objects up to this size are searched for repeated names one by one.
const FEW: usize = 16;

/// The members, and in place of the one at `rest` those of its map that have no name of another.
pub(super) fn spread<'a>(members: &'a [Member<'a>], rest: usize, arena: &'a Bump) -> &'a [Member<'a>] {
    let (before, after) = members.split_at_checked(rest).unwrap_or((members, &[]));
    let after = after.get(1..).unwrap_or_default();
    let further = members
        .get(rest)
        .and_then(|(_, map)| map.as_object())
        .unwrap_or_default();
    if further.is_empty() && after.is_empty() {
        return before;
    }
    let named = |name: &str| before.iter().chain(after).any(|(other, _)| *other == name);
    let mut all = bumpalo::collections::Vec::with_capacity_in(members.len() + further.len(), arena);
    all.extend_from_slice(before);
    all.extend_from_slice(after);
    all.extend(further.iter().filter(|(name, _)| !named(name)));
    all.into_bump_slice()
}

pub(super) fn real<'a>(finite: bool, number: impl std::fmt::Debug, arena: &'a Bump) -> Done<Value<'a>> {
    if !finite {
        return failed("a number that is not a number or not finite, which no document has");
    }
    // as it is debugged, so that 1.0 keeps its point, and in as few digits as keep it whole
    Ok(Value::Number(
        bumpalo::format!(in arena, "{:?}", number).into_bump_str(),
    ))
}

/// One character a byte.
pub(super) fn characters<'a>(bytes: &'a [u8], arena: &'a Bump) -> &'a str {
    if bytes.is_ascii()
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return text;
    }
    let mut text = bumpalo::collections::String::with_capacity_in(bytes.len().saturating_mul(2), arena);
    text.extend(bytes.iter().map(|byte| char::from(*byte)));
    text.into_bump_str()
}

/// Keeps the last of the members from `start` on that have the same name, in order, and says where they end.
pub(super) fn last_of_each(members: &mut [Member<'_>], start: usize) -> usize {
    let end = members.len();
    let Some(own) = members.get_mut(start..) else {
        return end;
    };
    let mut rest = &own[..];
    let mut twice = false;
    if own.len() <= FEW {
        while let Some(((name, _), after)) = rest.split_first() {
            twice |= after.iter().any(|(other, _)| other == name);
            rest = after;
        }
        if !twice {
            return end;
        }
    }
    let last: AHashMap<&str, usize> = own
        .iter()
        .enumerate()
        .map(|(index, (name, _))| (*name, index))
        .collect();
    if last.len() == own.len() {
        return end;
    }
    let mut kept = 0;
    for index in 0..own.len() {
        if let Some(member) = own.get(index).copied()
            && last.get(member.0) == Some(&index)
            && let Some(place) = own.get_mut(kept)
        {
            *place = member;
            kept += 1;
        }
    }
    start + kept
}
