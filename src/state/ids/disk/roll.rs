//! Rolls a store on: from memory to runs, runs to larger runs, to a new log, to a new manifest.

use super::DiskIds;
use super::log::{self, Log};
use super::manifest::{Manifest, RunInfo};
use super::merge::merge;
use super::plan;
use super::run::{self, Run};
use super::writer::RunWriter;
use crate::state::{IdWrite, StateError};

impl DiskIds {
    pub(super) fn log_is_long(&self) -> bool {
        self.log.size() > self.place.sizes.log
    }

    pub(super) fn has_expired_runs(&self) -> bool {
        let horizon = self.horizon();
        self.runs.infos().any(|run| run.to <= horizon)
    }

    /// Drops what is expired, flushes the memtable, merges, and begins a new log: then all is durable.
    pub(super) fn roll(&mut self) -> Result<(), StateError> {
        let horizon = self.horizon();
        let mut gone = self.runs.take(|_, run| run.to <= horizon);
        let flushed = plan::to_flush(self.memtable.waiting());
        for segment in &flushed {
            let run = self.flush(*segment)?;
            self.runs.push(run);
        }
        self.merge_all(&mut gone)?;
        let stay: Vec<(u128, i64)> = self.memtable.others(&flushed).collect();
        let log = self.begin_log(&stay)?;
        let old = std::mem::replace(&mut self.log, log);
        self.memtable.restart(&stay);
        for run in gone {
            self.place.remove(&run::name(run.info().number))?;
        }
        self.place.remove(&log::name(old.number()))?;
        self.runs.settle_filters(&self.place)
    }

    fn flush(&mut self, segment: i64) -> Result<Run, StateError> {
        let info = RunInfo {
            number: self.take_number(),
            ids: 0,
            from: segment.saturating_mul(self.segment),
            to: self.end_of(segment),
            settled: false,
        };
        let mut writer = RunWriter::new(&self.place, info)?;
        self.memtable.sorted(segment, |id| writer.push(id))?;
        writer.finish()
    }

    fn merge_all(&mut self, gone: &mut Vec<Run>) -> Result<(), StateError> {
        loop {
            let infos: Vec<_> = self.runs.infos().collect();
            let Some(plan) = plan::to_merge(&infos, self.stream_time, self.place.sizes.run) else {
                return Ok(());
            };
            // Their filters go with them, which makes room for the new one.
            let inputs = self.runs.take(|place, _| plan.places.contains(&place));
            let Some(first) = inputs.first().map(Run::info) else {
                return Ok(());
            };
            let info = RunInfo {
                number: self.take_number(),
                settled: plan.settles,
                ..first
            };
            let mut writer = RunWriter::new(&self.place, info)?;
            merge(&inputs, &mut writer, &self.place.budget)?;
            self.runs.push(writer.finish()?);
            gone.extend(inputs);
        }
    }

    /// A durable log that begins with what stays in memory, and the manifest that names it.
    fn begin_log(&mut self, stay: &[(u128, i64)]) -> Result<Log, StateError> {
        let number = self.take_number();
        let mut log = Log::create(&self.place, number)?;
        if !stay.is_empty() {
            // The last time of the segment: should the window be another when it is read, no id is forgotten too early.
            let writes = stay.iter().map(|(id, segment)| IdWrite {
                id: *id,
                time: self.last_of(*segment),
            });
            log.append(writes, self.stream_time, self.checkpoint)?;
        }
        log.sync()?;
        self.place.sync()?;
        let manifest = Manifest {
            log: number,
            log_size: log.size(),
            next: self.next,
            stream_time: self.stream_time,
            checkpoint: self.checkpoint,
            runs: self.runs.infos().collect(),
        };
        manifest.write(&self.place)?;
        Ok(log)
    }

    fn take_number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}
