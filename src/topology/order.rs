//! The order of processors: each after what it reads. Where there is none, the rings are told.

use super::Input;
use super::draft::Draft;
use super::links::Links;
use crate::yaml::{Mistakes, Place};
use std::collections::BTreeSet;

/// The processors' positions, each after what it reads; in the order of the file where that leaves a choice.
pub(super) fn order(draft: &Draft<'_>, links: &Links, mistakes: &mut Mistakes) -> Option<Vec<usize>> {
    let count = draft.processors.len();
    let reads = |index: usize| {
        links
            .processors
            .get(index)
            .into_iter()
            .flatten()
            .filter_map(|(input, place)| match input {
                Input::Processor(read) => Some((*read, place)),
                Input::Source(_) => None,
            })
    };
    let mut waiting: Vec<usize> = (0..count).map(|index| reads(index).count()).collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for index in 0..count {
        for (read, _) in reads(index) {
            if let Some(readers) = readers.get_mut(read) {
                readers.push(index);
            }
        }
    }
    let mut ready: BTreeSet<usize> = (0..count).filter(|index| waiting.get(*index) == Some(&0)).collect();
    let mut done = vec![false; count];
    let mut order = Vec::with_capacity(count);
    let mut cyclic = false;
    loop {
        while let Some(index) = ready.pop_first() {
            if std::mem::replace(done.get_mut(index)?, true) {
                continue;
            }
            order.push(index);
            for reader in readers.get(index).into_iter().flatten() {
                if let Some(waiting) = waiting.get_mut(*reader) {
                    *waiting = waiting.saturating_sub(1);
                    if *waiting == 0 {
                        ready.insert(*reader);
                    }
                }
            }
        }
        // what is left over is on a cycle or comes after one: tell one, cut it, go on for the others
        let Some(left) = done.iter().position(|done| !done) else {
            break;
        };
        cyclic = true;
        let cycle = cycle_from(left, |index| {
            reads(index)
                .map(|(read, _)| read)
                .find(|read| done.get(*read) == Some(&false))
        });
        let Some(first) = cycle.iter().copied().min() else {
            break;
        };
        tell_cycle(
            draft,
            &cycle,
            first,
            reads(first)
                .find(|(read, _)| cycle.contains(read))
                .map(|(_, place)| place),
            mistakes,
        );
        ready.insert(first);
    }
    (!cyclic).then_some(order)
}

/// Follows `next` until a position comes again; the positions between the two.
fn cycle_from(start: usize, next: impl Fn(usize) -> Option<usize>) -> Vec<usize> {
    let mut path = vec![start];
    loop {
        let Some(next) = path.last().and_then(|last| next(*last)) else {
            return path;
        };
        if let Some(at) = path.iter().position(|index| *index == next) {
            return path.split_off(at);
        }
        path.push(next);
    }
}

/// `cycle` goes against the flow: each reads the next.
fn tell_cycle(draft: &Draft<'_>, cycle: &[usize], first: usize, place: Option<&Place>, mistakes: &mut Mistakes) {
    let at = cycle.iter().position(|index| *index == first).unwrap_or(0);
    let against = cycle.iter().cycle().skip(at).take(cycle.len() + 1);
    let mut names: Vec<&str> = against
        .filter_map(|index| draft.processors.get(*index))
        .map(|processor| processor.key.text.as_str())
        .collect();
    names.reverse();
    let Some(processor) = draft.processors.get(first) else {
        return;
    };
    let message = format!("records would go round for ever: {}", names.join(" → "));
    mistakes.add(
        place.unwrap_or(&processor.key.place),
        message,
        "remove one of these from a `from`",
    );
}
