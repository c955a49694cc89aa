//! Programs that are given all of their input, and asked for what they print.

use std::io::Write;
use std::process::{Command, Output, Stdio};

/// Runs it to its end. What it prints may be more than a pipe holds, and what it is given, too.
///
/// # Errors
/// It can't be started, or ends without reading its input.
pub fn output(command: &mut Command, input: &str) -> std::io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().expect("its standard input");
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || pipe.write_all(input.as_bytes()));
        let output = child.wait_with_output()?;
        let written = writing.join().expect("a thread that only writes");
        // Of one that failed, what it says counts, and not whether it had read everything.
        if output.status.success() {
            written?;
        }
        Ok(output)
    })
}
