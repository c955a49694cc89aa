//! A real Kafka of one broker.

use super::node::{JavaOptions, Node, Ports};
use super::{children, free_port};
use std::sync::OnceLock;

pub struct Broker {
    node: Node,
}

static SHARED: OnceLock<Broker> = OnceLock::new();

/// [`shared`], if any test has asked for it.
pub fn started() -> Option<&'static Broker> {
    SHARED.get()
}

/// The broker that all tests of this binary share: topics and applications have names of their own.
pub fn shared() -> &'static Broker {
    extern "C" fn end() {
        if let Some(broker) = SHARED.get() {
            broker.node.destroy();
        }
    }
    SHARED.get_or_init(|| {
        let broker = Broker::start();
        children::at_exit(end);
        broker
    })
}

impl Broker {
    pub fn start() -> Self {
        Self::start_with(&["-Xmx512m"])
    }

    pub fn start_with(options: JavaOptions) -> Self {
        let mut last_failure = String::new();
        // A port found free may be taken a moment later: try again with others.
        for _ in 0..3 {
            let ports = Ports {
                clients: free_port(),
                controller: free_port(),
            };
            let launched = Node::launch(1, &[ports], options).and_then(|node| node.wait_up(1).map(|()| node));
            match launched {
                Ok(node) => return Self { node },
                Err(failure) => last_failure = failure,
            }
        }
        panic!("Kafka did not start: {last_failure}");
    }

    /// `host:port`, for clients.
    pub fn address(&self) -> String {
        self.node.address()
    }

    pub fn id(&self) -> u32 {
        self.node.id()
    }

    /// Ends the broker as a power cut would. It comes back, with its data on the same port, when what is given is [`Away::over`],
    /// or dropped: by a test that fails meanwhile, whose failure is then its own.
    pub fn kill(&self) -> Away<'_> {
        self.node.kill();
        Away { broker: self }
    }
}

/// For as long as it is there, the broker is not.
#[must_use = "dropped, it brings the broker back"]
pub struct Away<'b> {
    broker: &'b Broker,
}

impl Away<'_> {
    /// Brings the broker back, and waits until it answers.
    pub fn over(self) {
        drop(self);
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        self.broker.node.relaunch();
        if let Err(failure) = self.broker.node.wait_up(1) {
            let said = format!("Kafka did not come back: {failure}");
            // A second panic would end all tests, and hide the first.
            assert!(std::thread::panicking(), "{said}");
            eprintln!("{said}");
        }
    }
}
