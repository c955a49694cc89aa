//! Child processes that can't outlive us, however we end.
//!
//! On Linux the kernel kills a child when the *thread* that started it ends, so all are started by one thread that never
//! does: a test's own thread would take its broker along. Elsewhere [`at_exit`] has to do.

use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

type Start = (Command, Sender<std::io::Result<Child>>);

pub fn start(mut command: Command) -> Child {
    static KEEPER: OnceLock<Mutex<Sender<Start>>> = OnceLock::new();
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: prctl is async-signal-safe and touches nothing of ours.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
    }
    let keeper = KEEPER.get_or_init(|| {
        let (sender, receiver) = channel::<Start>();
        std::thread::spawn(move || {
            for (mut command, answer) in receiver {
                let _ = answer.send(command.spawn());
            }
        });
        Mutex::new(sender)
    });
    let description = format!("{command:?}");
    let (answer, started) = channel();
    keeper
        .lock()
        .expect("the keeper's sender")
        .send((command, answer))
        .expect("the keeper lives for ever");
    match started.recv().expect("the keeper answers") {
        Ok(child) => child,
        Err(error) => panic!("cannot start {description}: {error}"),
    }
}

pub fn signal(child: &Child, signal: i32) {
    let id = i32::try_from(child.id()).expect("a process id");
    // SAFETY: the child was not waited for yet, so the id is still its own.
    let outcome = unsafe { libc::kill(id, signal) };
    assert!(
        outcome == 0,
        "cannot send signal {signal} to process {id}: {}",
        std::io::Error::last_os_error()
    );
}

/// Runs `action` when the test binary exits, which does not drop what is static.
pub fn at_exit(action: extern "C" fn()) {
    // SAFETY: registers a plain function.
    unsafe { libc::atexit(action) };
}
