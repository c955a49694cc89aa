//! The instances of one pipeline by name, and a tally of what is done to them.

use crate::harness::group;
use crate::harness::millstream::Instance;
use crate::pipeline::Pipeline;
use crate::scenario::Tally;
use std::collections::BTreeMap;

pub struct Crew<'p> {
    pipeline: &'p Pipeline,
    arguments: &'p [&'p str],
    instances: BTreeMap<String, Instance>,
    pub tally: Tally,
}

impl<'p> Crew<'p> {
    pub fn new(pipeline: &'p Pipeline) -> Self {
        Self::with(pipeline, &[])
    }

    /// Every instance gets these arguments.
    pub fn with(pipeline: &'p Pipeline, arguments: &'p [&'p str]) -> Self {
        Self {
            pipeline,
            arguments,
            instances: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    pub fn start(&mut self, name: &str) {
        self.start_with(name, &[]);
    }

    /// With more arguments than the others.
    pub fn start_with(&mut self, name: &str, more: &[&str]) {
        let arguments = [self.arguments, more].concat();
        let instance = self.pipeline.start_with(name, &arguments);
        let before = self.instances.insert(name.to_owned(), instance);
        assert!(before.is_none(), "{name} runs already");
    }

    pub fn start_all(&mut self, names: &[&str]) {
        for name in names {
            self.start(name);
        }
        self.wait_ready();
    }

    pub fn instance(&mut self, name: &str) -> &mut Instance {
        let found = self.instances.get_mut(name);
        found.unwrap_or_else(|| panic!("no instance {name} runs"))
    }

    pub fn wait_ready(&mut self) {
        for instance in self.instances.values_mut() {
            instance.wait_ready();
        }
    }

    pub fn kill(&mut self, name: &str) {
        let mut instance = self.take(name);
        instance.kill();
        self.tally.kills += 1;
    }

    pub fn stop(&mut self, name: &str) {
        let mut instance = self.take(name);
        let status = instance.terminate();
        assert!(status.success(), "{name} ended with {status}\n{}", instance.log());
        self.tally.stops += 1;
    }

    pub fn pause(&mut self, name: &str) {
        self.instance(name).pause();
        self.tally.stalls += 1;
    }

    pub fn assert_running(&mut self) {
        for (name, instance) in &mut self.instances {
            assert!(instance.is_running(), "{name} ended by itself:\n{}", instance.log());
        }
    }

    /// Stops all, and says what was done.
    pub fn finish(mut self) -> Tally {
        self.assert_running();
        let names: Vec<String> = self.instances.keys().cloned().collect();
        let mut instances: Vec<Instance> = names.iter().map(|name| self.take(name)).collect();
        Instance::terminate_all(&mut instances);
        self.tally.stops += instances.len() as u64;
        self.tally
    }

    fn take(&mut self, name: &str) -> Instance {
        let mut instance = self.instances.remove(name);
        let instance = instance.take().unwrap_or_else(|| panic!("no instance {name} runs"));
        self.tally.rebalances += instance.metric("millstream_rebalances_total");
        self.tally.fenced += instance.metric("millstream_producer_rebuilds_total");
        self.tally.aborted += instance.metric("millstream_transactions_aborted_total");
        instance
    }
}

/// A failure's circumstances, while they last.
impl Drop for Crew<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let topology = &self.pipeline.topology;
        eprintln!(
            "{}",
            group::describe(self.pipeline.brokers(), topology.application(), &topology.topic(""))
        );
        for (name, instance) in &self.instances {
            for page in ["/readyz", "/metrics"] {
                match instance.get(page) {
                    Ok((status, body)) => eprintln!("{name} {page}: {status} {body}"),
                    Err(error) => eprintln!("{name} {page}: {error}"),
                }
            }
        }
    }
}
