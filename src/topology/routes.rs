//! Routes: of the sinks that take from one place, exactly one must take each record, and which one must be said.

use super::draft::{Draft, SinkDraft};
use super::links::Links;
use super::{Condition, Input};
use crate::yaml::{Mistakes, Place};
use std::collections::BTreeMap;

/// A sink of a route, with the place where it names what it takes from.
type Member<'d, 'a> = (&'d SinkDraft<'a>, &'d Place);

/// Complains of every route in which a sink would never get a record, or nothing says which sink gets it.
pub(super) fn check(draft: &Draft<'_>, links: &Links, mistakes: &mut Mistakes) {
    let mut routes: BTreeMap<Input, Vec<Member<'_, '_>>> = BTreeMap::new();
    for (sink, from) in draft.sinks.iter().zip(&links.sinks) {
        for (input, place) in from {
            routes.entry(*input).or_default().push((sink, place));
        }
    }
    for (input, route) in &routes {
        let from = match input {
            Input::Source(index) => draft.sources.get(*index).map(|source| source.key),
            Input::Processor(index) => draft.processors.get(*index).map(|processor| processor.key),
        };
        if let Some(from) = from {
            check_one(&from.text, route, mistakes);
        }
    }
}

fn check_one(from: &str, route: &[Member<'_, '_>], mistakes: &mut Mistakes) {
    let is = |sink: &SinkDraft<'_>, always: bool| match sink.condition {
        Some(Condition::Always) => always,
        Some(Condition::Otherwise) => !always,
        _ => false,
    };
    let always = route.iter().position(|(sink, _)| is(sink, true));
    if let (Some(always), true) = (always, route.len() > 1) {
        // told at the later of the two, which is most often the one just added
        let other = if always == 0 { 1 } else { 0 };
        if let (Some((one, _)), Some((two, place))) = (route.get(always.min(other)), route.get(always.max(other))) {
            let message = format!(
                "the sinks `{}` and `{}` both take what comes out of `{from}`, and nothing separates them",
                one.key.text, two.key.text
            );
            let help = "give each a `where:` or one of them `otherwise: true`; to send every record to both, put a `filter` with `where: = true` before one of them";
            mistakes.add(place, message, help);
        }
        return;
    }
    let mut rest = route.iter().filter(|(sink, _)| is(sink, false));
    if let (Some((one, _)), Some((two, place))) = (rest.next(), rest.next()) {
        let message = format!(
            "the sinks `{}` and `{}` both take the rest of what comes out of `{from}`",
            one.key.text, two.key.text
        );
        mistakes.add(
            place,
            message,
            "give one of them a `where:` in place of `otherwise: true`",
        );
    }
}
