//! What happened in a life, a line each; kept only where somebody will read it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
pub struct Log {
    on: Arc<AtomicBool>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    pub fn new(on: bool) -> Log {
        let log = Log::default();
        log.on.store(on, Ordering::Relaxed);
        log
    }

    pub fn add(&self, line: impl FnOnce() -> String) {
        if self.on.load(Ordering::Relaxed) {
            self.lines.lock().unwrap().push(line());
        }
    }

    pub fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}
