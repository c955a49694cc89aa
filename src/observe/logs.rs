//! Logs: text for people, JSON for machines. To standard error, so that what a command prints stays clean.

use std::io::IsTerminal;
use std::str::FromStr;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

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
        "this is no filter for logs (`{FILTER}`): {0}; write a level, as `debug`, or levels by module, as `info,millstream::engine=debug`"
    )]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs can't be written: {0}")]
    Installed(#[from] Box<dyn std::error::Error + Send + Sync>),
}

/// Writes logs from now on, filtered by [`FILTER`], else from level `info`. What is given changes that while it runs.
///
/// # Errors
/// Where the filter is wrong, or logs are written already.
pub fn init(format: LogFormat) -> Result<Levels, LogError> {
    let asked = std::env::var(FILTER).unwrap_or_default();
    let colours = std::io::stderr().is_terminal();
    let (subscriber, levels) = subscriber(format, &asked, colours, BoxMakeWriter::new(std::io::stderr))?;
    subscriber
        .try_init()
        .map_err(|error| LogError::Installed(error.into()))?;
    Ok(levels)
}

/// Which log lines are written. Cloning shares it.
#[derive(Clone)]
pub struct Levels {
    handle: reload::Handle<EnvFilter, Registry>,
}

impl Levels {
    /// Filters by this from now on; nothing: as at a start without [`FILTER`].
    ///
    /// # Errors
    /// Where it is no filter; then all stays as it is.
    pub fn set(&self, asked: &str) -> Result<(), LogError> {
        let filter = filter(asked)?;
        self.handle
            .reload(filter)
            .map_err(|error| LogError::Installed(error.into()))
    }

    /// The filter in force.
    pub fn get(&self) -> String {
        let text = self.handle.with_current(|filter| {
            let directives = filter.to_string();
            let own = directives.split(',').filter(|directive| *directive != SILENT);
            own.collect::<Vec<_>>().join(",")
        });
        text.unwrap_or_default()
    }
}

fn subscriber(
    format: LogFormat,
    asked: &str,
    colours: bool,
    writer: BoxMakeWriter,
) -> Result<(impl Subscriber + Send + Sync, Levels), LogError> {
    let (filter, handle) = reload::Layer::new(filter(asked)?);
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    let lines: Box<dyn Layer<_> + Send + Sync> = match format {
        LogFormat::Text => lines.with_ansi(colours).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(lines.with_filter(filter_fn(may_be_written)));
    Ok((subscriber, Levels { handle }))
}

/// Lines for machines, into whatever a test gives.
#[cfg(test)]
pub(crate) fn json_lines(filter: &str, writer: BoxMakeWriter) -> impl Subscriber + Send + Sync {
    match subscriber(LogFormat::Json, filter, false, writer) {
        Ok((subscriber, _)) => subscriber,
        Err(error) => panic!("{error}"),
    }
}

/// Whatever is asked for: of libraries, nothing below `info`, as what they trace has requests, credentials and bodies in it.
fn may_be_written(line: &Metadata<'_>) -> bool {
    let ours = |target: &str| target == "librdkafka" || target.split("::").next() == Some("millstream");
    *line.level() <= Level::INFO || ours(line.target())
}

/// The client of RabbitMQ: its traces have the bodies of messages in them, and its errors are reported by the feed.
const SILENT: &str = "lapin=off";

fn filter(asked: &str) -> Result<EnvFilter, LogError> {
    let text = if asked.trim().is_empty() {
        DEFAULT_FILTER
    } else {
        asked.trim()
    };
    Ok(EnvFilter::builder().parse(text)?.add_directive(SILENT.parse()?))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

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

    /// Levels that change nothing but themselves, for as long as what they are of is kept.
    pub(crate) fn subscriber_for_tests() -> (impl Subscriber, Levels) {
        subscriber(LogFormat::Text, "", false, BoxMakeWriter::new(std::io::sink)).expect("the default")
    }

    /// What was written to it.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn levels_change_at_run_time_and_libraries_say_nothing_below_info() {
        let written = Written::default();
        let writer = written.clone();
        let made = subscriber(LogFormat::Text, "", false, BoxMakeWriter::new(move || writer.clone()));
        let (subscriber, levels) = made.expect("the default");
        tracing::subscriber::with_default(subscriber, || {
            let say = |number: u32| {
                tracing::debug!(number, "of ours");
                tracing::debug!(target: "aws_smithy_runtime", number, "of a library");
                tracing::trace!(target: "lapin", number, "of a body");
            };
            say(1);
            levels.set("trace").expect("a level");
            say(2);
            assert!(levels.set("millstream=lots").is_err());
            assert_eq!(levels.get(), "trace");
            levels.set("").expect("the default");
            say(3);
        });
        let text = String::from_utf8(written.0.lock().expect("not poisoned").clone()).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert!(lines[0].contains("of ours number=2"), "{text}");
    }

    #[test]
    fn the_client_of_rabbitmq_says_nothing_whatever_is_asked() {
        for asked in ["", "trace", "lapin=trace"] {
            let filter = filter(asked).expect("right").to_string();
            assert!(filter.contains(SILENT) && !filter.contains("lapin=trace"), "{filter}");
        }
    }
}
