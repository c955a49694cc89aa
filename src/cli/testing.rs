//! Runs commands as `main` does, on what they print.

use super::{Outcome, Terminal};
use std::io;

/// What a command printed and how it ended, as one text: standard output, then standard error after `!`, then the outcome.
pub(super) fn printed(run: impl FnOnce(&mut Terminal<'_>) -> io::Result<Outcome>) -> String {
    printed_in(&[], run)
}

/// As [`printed`], where the environment has these variables.
pub(super) fn printed_in(
    variables: &[(String, String)],
    run: impl FnOnce(&mut Terminal<'_>) -> io::Result<Outcome>,
) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let outcome = run(&mut Terminal {
        out: &mut out,
        err: &mut err,
        width: 100,
        colours: false,
        environment: &|name| {
            variables
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.clone())
        },
        variables: &|| variables.to_vec(),
    })
    .unwrap();
    let out = String::from_utf8(out).unwrap();
    let err = String::from_utf8(err).unwrap();
    let err: String = err.lines().map(|line| format!("! {line}\n")).collect();
    format!("{out}{err}{outcome:?}\n")
}

/// A folder with these files.
pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}
