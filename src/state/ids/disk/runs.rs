//! The runs of a store, with the filters that are in memory.

use super::filter::{Filter, Probe};
use super::manifest::RunInfo;
use super::place::Place;
use super::run::Run;
use crate::state::StateError;
use crate::state::budget::Use;

/// Filters and runs by the same place. Filters lie apart so that a look-up walks through them alone.
#[derive(Default)]
pub(super) struct Runs {
    filters: Vec<Filter>,
    runs: Vec<Run>,
}

impl Runs {
    pub fn push(&mut self, run: Run) {
        self.filters.push(Filter::absent());
        self.runs.push(run);
    }

    /// Takes out the runs that are to go, and gives them.
    pub fn take(&mut self, mut goes: impl FnMut(usize, RunInfo) -> bool) -> Vec<Run> {
        let mut gone = Vec::new();
        let runs = std::mem::take(&mut self.runs).into_iter();
        for (place, (run, filter)) in runs.zip(std::mem::take(&mut self.filters)).enumerate() {
            if goes(place, run.info()) {
                gone.push(run);
            } else {
                self.filters.push(filter);
                self.runs.push(run);
            }
        }
        gone
    }

    pub fn infos(&self) -> impl Iterator<Item = RunInfo> {
        self.runs.iter().map(Run::info)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter()
    }

    /// Whether a run that ends at `end` or later has the id (mixed). `from_disk` is set where a page had to be read for it.
    #[inline]
    pub fn contain(&self, id: u128, end: i64, from_disk: &mut bool) -> Result<bool, StateError> {
        let probe = Probe::of(id);
        // The latest first: most duplicates come soon.
        for (filter, run) in self.filters.iter().zip(&self.runs).rev() {
            if filter.may_contain(&probe) && run.info().to >= end {
                *from_disk = true;
                if run.contains(id)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Brings as many filters into memory as the budget grants, those of small runs first: a look-up without a filter costs a
    /// page read, however large the run.
    pub fn settle_filters(&mut self, place: &Place) -> Result<(), StateError> {
        let mut by_size: Vec<usize> = (0..self.runs.len()).collect();
        by_size.sort_by_key(|at| self.runs.get(*at).map(|run| run.info().ids));
        for (rank, at) in by_size.iter().enumerate() {
            let (Some(filter), Some(run)) = (self.filters.get(*at), self.runs.get(*at)) else {
                continue;
            };
            if !filter.is_absent() {
                continue;
            }
            let mut larger = by_size.iter().skip(rank + 1).rev();
            let held = loop {
                if let Some(held) = place.budget.try_hold(Use::Cache, run.filter_size()) {
                    break Some(held);
                }
                let Some(other) = larger.next() else { break None };
                if let Some(filter) = self.filters.get_mut(*other) {
                    *filter = Filter::absent();
                }
            };
            let Some(held) = held else {
                warn(place);
                return Ok(());
            };
            let read = run.filter(held)?;
            if let Some(filter) = self.filters.get_mut(*at) {
                *filter = read;
            }
        }
        Ok(())
    }

    #[cfg(test)]
    pub fn sizes_without_filter(&self) -> Vec<usize> {
        let absent = self
            .filters
            .iter()
            .zip(self.infos())
            .filter(|(filter, _)| filter.is_absent());
        absent.map(|(_, run)| run.ids).collect()
    }
}

fn warn(place: &Place) {
    if place.budget.first_to_warn() {
        tracing::warn!(
            folder = %place.folder.display(),
            budget = place.budget.limit(),
            "the memory for stores is too small for the filters of all ids: look-ups read the disk more often than they need to; \
             give the stores 2 bytes more for each id"
        );
    }
}
