//! Asking before something is done that can't be taken back.

use super::Terminal;
use std::io::{self, BufRead, IsTerminal};

/// Whether to ask, or to do anything at all.
#[derive(clap::Args)]
pub(crate) struct Consent {
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

/// What is to become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    OnlyShown,
    Declined,
    Agreed,
}

impl Consent {
    /// Asks where it has to be asked.
    pub(crate) fn decide(
        &self,
        question: &str,
        asking: &mut Asking<'_>,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Decision> {
        Ok(if self.dry_run {
            Decision::OnlyShown
        } else if self.yes || asking.ask(question, terminal)? {
            Decision::Agreed
        } else {
            Decision::Declined
        })
    }
}

/// Who is asked, if anybody.
pub(crate) struct Asking<'a> {
    pub is_terminal: bool,
    pub answers: &'a mut dyn BufRead,
}

impl Asking<'_> {
    /// Gives to `act` whoever sits at the standard input.
    pub(crate) fn with<T>(act: impl FnOnce(&mut Asking<'_>) -> T) -> T {
        act(&mut Asking {
            is_terminal: io::stdin().is_terminal(),
            answers: &mut io::stdin().lock(),
        })
    }

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
