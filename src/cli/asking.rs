//! Asking before something is done that can't be taken back.

use super::Terminal;
use std::io::{self, BufRead};

/// Who is asked, if anybody.
pub(crate) struct Asking<'a> {
    pub is_terminal: bool,
    pub answers: &'a mut dyn BufRead,
}

impl Asking<'_> {
    /// Whether it may be done; if not, that is said.
    pub(crate) fn ask(&mut self, question: &str, terminal: &mut Terminal<'_>) -> io::Result<bool> {
        if !self.is_terminal {
            writeln!(
                terminal.err,
                "error: nothing was done, as there is no terminal to ask on: say --yes, or --dry-run to look only"
            )?;
            return Ok(false);
        }
        write!(terminal.err, "{question} [y/N] ")?;
        terminal.err.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let agreed = ["y", "yes"].contains(&answer.trim().to_lowercase().as_str());
        if !agreed {
            writeln!(terminal.err, "nothing was done")?;
        }
        Ok(agreed)
    }
}
