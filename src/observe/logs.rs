//! Logs: text for people, JSON for machines. To standard error, so that what a command prints stays clean.

use std::io::IsTerminal;
use std::str::FromStr;
use tracing_subscriber::EnvFilter;

/// The environment variable with a filter, as `debug` or `info,millstream::engine=debug`.
pub const FILTER: &str = "MILLSTREAM_LOG";
const DEFAULT_FILTER: &str = "info";

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// A line for people; in colours on a terminal.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<LogFormat, LogError> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            other => Err(LogError::Format(other.to_owned())),
        }
    }
}

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("`{0}` is no log format: it can be text or json")]
    Format(String),
    #[error(
        "`{FILTER}` is no filter for logs: {0}; write a level, as `debug`, or levels by module, as `info,millstream::engine=debug`"
    )]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs can't be written: {0}")]
    Installed(#[from] Box<dyn std::error::Error + Send + Sync>),
}

/// Writes logs from now on, filtered by [`FILTER`], else from level `info`.
///
/// # Errors
/// Where the filter is wrong, or logs are written already.
pub fn init(format: LogFormat) -> Result<(), LogError> {
    let asked = std::env::var(FILTER).unwrap_or_default();
    let filter = filter(&asked)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init()?,
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init()?,
    }
    Ok(())
}

/// The client of RabbitMQ: its traces have the bodies of messages in them, and its errors are reported by the feed.
const SILENT: &str = "lapin=off";

fn filter(asked: &str) -> Result<EnvFilter, LogError> {
    let text = if asked.trim().is_empty() { DEFAULT_FILTER } else { asked };
    Ok(EnvFilter::builder().parse(text)?.add_directive(SILENT.parse()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_read_and_others_refused() {
        assert_eq!("text".parse::<LogFormat>().expect("known"), LogFormat::Text);
        assert_eq!("json".parse::<LogFormat>().expect("known"), LogFormat::Json);
        assert!(
            "xml"
                .parse::<LogFormat>()
                .expect_err("unknown")
                .to_string()
                .contains("text or json")
        );
    }

    #[test]
    fn a_wrong_filter_is_refused_with_what_is_right() {
        let default = filter(" ").expect("the default").to_string();
        assert!(default.ends_with(DEFAULT_FILTER), "{default}");
        assert!(filter("info,millstream=debug").is_ok());
        assert!(
            filter("millstream=lots")
                .expect_err("wrong")
                .to_string()
                .contains(FILTER)
        );
    }
    #[test]
    fn the_client_of_rabbitmq_says_nothing_whatever_is_asked() {
        for asked in ["", "trace", "lapin=trace"] {
            let filter = filter(asked).expect("right").to_string();
            assert!(filter.contains(SILENT) && !filter.contains("lapin=trace"), "{filter}");
        }
    }
}
