//! Merges runs into one, page by page.

use super::page::{PAGE, Page};
use super::run::Run;
use super::writer::RunWriter;
use crate::state::StateError;
use crate::state::budget::{Budget, Use};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

/// Gives the ids of all runs to `into`, in their order, each once.
pub(super) fn merge(runs: &[Run], into: &mut RunWriter<'_>, budget: &Arc<Budget>) -> Result<(), StateError> {
    let _held = budget.hold(Use::Work, runs.len() * PAGE);
    let mut cursors: Vec<Cursor<'_>> = runs.iter().map(Cursor::new).collect();
    let mut heads = BinaryHeap::with_capacity(cursors.len());
    for (place, cursor) in cursors.iter_mut().enumerate() {
        if let Some(id) = cursor.next()? {
            heads.push(Reverse((id, place)));
        }
    }
    let mut last = None;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((id, place)) = *head;
        if last != Some(id) {
            into.push(id)?;
            last = Some(id);
        }
        match cursors.get_mut(place).map(Cursor::next).transpose()?.flatten() {
            Some(next) => *head = Reverse((next, place)),
            None => {
                PeekMut::pop(head);
            }
        }
    }
    Ok(())
}

/// Goes through the ids of a run.
pub(super) struct Cursor<'a> {
    run: &'a Run,
    page: Page,
    next_page: usize,
    place: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(run: &'a Run) -> Self {
        Self {
            run,
            page: Page::new(),
            next_page: 0,
            place: 0,
        }
    }

    pub fn next(&mut self) -> Result<Option<u128>, StateError> {
        if self.place == self.page.len() {
            if self.next_page == self.run.pages() {
                return Ok(None);
            }
            self.run.read_page(self.next_page, &mut self.page)?;
            self.next_page += 1;
            self.place = 0;
        }
        let id = self.page.get(self.place);
        self.place += 1;
        Ok(Some(id))
    }
}
