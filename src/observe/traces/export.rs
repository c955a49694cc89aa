//! Spans to a collector: a bounded queue, and a thread that empties it.

use super::ROOM;
use super::settings::Settings;
use super::span::{Span, scope};
use crate::observe::{Repeats, names};
use metrics::Counter;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Ended, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;

/// Spans of one request.
const BATCH: usize = 1024;
/// How long spans wait for others to go with.
const LINGER: Duration = Duration::from_millis(200);
const CONNECT: Duration = Duration::from_secs(5);

/// Where spans are handed over, once what they are of is certain. Cheap to clone.
#[derive(Clone)]
pub struct Traces(Option<Arc<Queue>>);

struct Queue {
    spans: Sender<Span>,
    full: Counter,
}

impl Traces {
    /// Nobody is there for whom spans would be made.
    pub fn off() -> Self {
        Self(None)
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Hands spans over, and counts those for which there is no room, with `more` that were not even kept.
    pub fn hand_over(&self, spans: &mut Vec<Span>, more: u64) {
        let Some(queue) = &self.0 else {
            spans.clear();
            return;
        };
        let mut lost = more;
        for span in spans.drain(..) {
            lost += u64::from(queue.spans.try_send(span).is_err());
        }
        if lost > 0 {
            queue.full.increment(lost);
        }
    }
}

/// The thread that talks to the collector. Dropped, it ends as by [`Exporter::stop`].
pub struct Exporter {
    traces: Traces,
    stop: Option<oneshot::Sender<()>>,
    ended: Ended<()>,
    flush: Duration,
}

impl Exporter {
    /// As the environment says, if it does. What is wrong with that is said in the log, and must not keep a pipeline from running.
    pub fn of(settings: Result<Option<Settings>, String>, application: &str, instance: &str) -> Option<Self> {
        let started = settings.and_then(|settings| {
            let start = |settings| Self::start(&settings, application, instance);
            settings.map(start).transpose()
        });
        match started {
            Ok(Some(exporter)) => {
                tracing::info!("spans of records that are part of a trace are exported");
                Some(exporter)
            }
            Ok(None) => None,
            Err(why) => {
                tracing::warn!(why, "no spans are exported");
                None
            }
        }
    }

    /// Exports from now on, in the name of this instance of an application.
    ///
    /// # Errors
    /// What of the settings or the system it can't do with.
    pub fn start(settings: &Settings, application: &str, instance: &str) -> Result<Self, String> {
        let exporter = exporter(settings, application, instance)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime for it: {error}"))?;
        let (sender, spans) = channel(ROOM);
        let (stop, stopped) = oneshot::channel();
        let (tell, ended) = sync_channel(1);
        let mut sending = Sending {
            exporter,
            exported: names::spans_exported(),
            failed: names::spans_dropped("collector"),
            repeats: Repeats::default(),
            since: Instant::now(),
        };
        let run = move || {
            runtime.block_on(sending.run(spans, stopped));
            // an error says that nobody waits for it any more
            let _ = tell.send(());
        };
        let thread = std::thread::Builder::new().name("traces".to_owned()).spawn(run);
        thread.map_err(|error| format!("no thread for it: {error}"))?;
        let queue = Queue {
            spans: sender,
            full: names::spans_dropped("queue_full"),
        };
        Ok(Self {
            traces: Traces(Some(Arc::new(queue))),
            stop: Some(stop),
            ended,
            flush: settings.flush,
        })
    }

    pub fn traces(&self) -> Traces {
        self.traces.clone()
    }

    /// Exports what was handed over, if that does not take too long, and nothing more.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // an error says that it has ended already
            let _ = stop.send(());
        }
        if self.ended.recv_timeout(self.flush).is_err() {
            tracing::warn!("the collector of traces did not take the last spans in time: they are gone");
        }
    }
}

fn exporter(settings: &Settings, application: &str, instance: &str) -> Result<SpanExporter, String> {
    // an error says that there is one already
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(settings.timeout)
        .connect_timeout(CONNECT.min(settings.timeout))
        // what the environment has for the collector is for nobody else
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| format!("{error}; are the system's certificates (ca-certificates) there?"))?;
    let built = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(&settings.endpoint)
        .with_timeout(settings.timeout)
        .with_http_client(client)
        .with_retry_policy(settings.retry.clone())
        .build();
    // its own words may have the address in them
    let mut exporter = built.map_err(|_| "what the variables OTEL_EXPORTER_OTLP_… say can't be used".to_owned())?;
    exporter.set_resource(&resource(application, instance));
    Ok(exporter)
}

/// What the environment says of it (`OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`), and what is known here where it says nothing.
fn resource(application: &str, instance: &str) -> Resource {
    let said = Resource::builder().build();
    let is_said = |key: &'static str| {
        let value = said.get_ref(&Key::from_static_str(key));
        value.is_some_and(|value| !value.as_str().starts_with("unknown_service"))
    };
    let known = [
        ("service.name", application),
        ("service.instance.id", instance),
        ("service.version", env!("CARGO_PKG_VERSION")),
    ];
    let missing = known.into_iter().filter(|(key, _)| !is_said(key));
    let missing = missing.map(|(key, value)| KeyValue::new(key, value.to_owned()));
    Resource::builder().with_attributes(missing).build()
}

/// The thread's side.
struct Sending {
    exporter: SpanExporter,
    exported: Counter,
    failed: Counter,
    repeats: Repeats<()>,
    since: Instant,
}

impl Sending {
    async fn run(&mut self, mut spans: Receiver<Span>, mut stopped: oneshot::Receiver<()>) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                // What it gathered before stays in the batch.
                () = gather(&mut spans, &mut batch) => self.send(&mut batch).await,
                _ = &mut stopped => break,
            }
        }
        spans.close();
        loop {
            while batch.len() < BATCH
                && let Ok(span) = spans.try_recv()
            {
                batch.push(span);
            }
            if batch.is_empty() {
                return;
            }
            self.send(&mut batch).await;
        }
    }

    async fn send(&mut self, batch: &mut Vec<Span>) {
        let (scope, count) = (scope(), batch.len() as u64);
        let data = batch.drain(..).map(|span| span.data(&scope)).collect();
        match self.exporter.export(data).await {
            Ok(()) => self.exported.increment(count),
            Err(error) => {
                self.failed.increment(count);
                if let Some(held) = self.repeats.ask((), self.since.elapsed()) {
                    tracing::warn!(%error, spans = count, repeated = held.field(), "the collector of traces did not take spans: they are gone");
                }
            }
        }
    }
}

/// Until a batch is full, or its first span has waited long enough. Never ends without a span.
async fn gather(spans: &mut Receiver<Span>, batch: &mut Vec<Span>) {
    if batch.is_empty() && spans.recv_many(batch, BATCH).await == 0 {
        // Nobody is left to hand any over.
        std::future::pending::<()>().await;
    }
    let fill = async {
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            if spans.recv_many(batch, room).await == 0 {
                return;
            }
        }
    };
    // An error says that the time is over.
    let _ = tokio::time::timeout(LINGER, fill).await;
}
