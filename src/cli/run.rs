//! `millstream run`: the topology on a real Kafka, until it is told to stop.

use super::cluster::Cluster;
use super::page::RunView;
use super::{Outcome, Output, Terminal};
use crate::broker::kafka::{KafkaBroker, KafkaSettings};
use crate::engine::{Backends, Engine, EngineHealth, Reporter, Schemas, Topics, WorkerSettings};
use crate::feed::{FeedState, Feeds};
use crate::observe::{
    Credentials, Exporter, Exposition, HttpServer, LogFormat, Page, Probe, Report, Traces, logs, names, traces,
};
use crate::state::{MemoryStores, OsDisk, StateError, StateFolder, Stores};
use crate::topology::{self, Selection, StoresIn, Topology};
use crate::yaml::parse_size;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};

/// Run a topology on Kafka
///
/// Creates the topics that are its own, restores its state, and processes records until SIGTERM or Ctrl-C; then it commits and
/// leaves. `/metrics`, `/livez`, `/readyz`, `/startupz` and, on `/`, the live page are served at `--http`. Where the environment has
/// `MILLSTREAM_HTTP_AUTH=USER:PASSWORD`, the page asks for them. Where it has `OTEL_EXPORTER_OTLP_ENDPOINT`, spans of records that
/// are part of a trace go there.
#[derive(clap::Args)]
pub(crate) struct Run {
    #[command(flatten)]
    cluster: Cluster,
    /// This instance's name, stable over restarts and its own; part of transactional ids. Default: the host's name
    #[arg(long, value_name = "NAME", env = "MILLSTREAM_INSTANCE")]
    instance: Option<String>,
    /// Join the group as a static member: a restart within the session's time-out moves no partition
    #[arg(long, env = "MILLSTREAM_STATIC_MEMBERSHIP")]
    static_membership: bool,
    /// Where state is kept: every application and instance has a folder of its own in it
    #[arg(
        long,
        value_name = "DIR",
        env = "MILLSTREAM_STATE_DIR",
        default_value = "millstream-state"
    )]
    state_dir: PathBuf,
    /// Memory for all stores on disk together, as `128MB`, or in bytes. Default: the topology's `state: {memory: …}`
    #[arg(long, value_name = "SIZE", env = "MILLSTREAM_STATE_MEMORY", value_parser = size)]
    state_memory: Option<u64>,
    /// Run only these parts, and leave the others to other instances: a feed by its name, a sub-topology by that of any source,
    /// processor or sink in it; several separated by commas
    #[arg(long, value_name = "NAMES", env = "MILLSTREAM_ONLY", value_delimiter = ',')]
    only: Vec<String>,
    /// Workers (stream threads) of this process. Default: the topology's `workers`
    #[arg(long, value_name = "N", env = "MILLSTREAM_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: Option<u16>,
    /// Serve metrics, health and the live page here; port 0 is any free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "MILLSTREAM_HTTP",
        default_value = "127.0.0.1:8080"
    )]
    http: SocketAddr,
    /// Let whoever reaches the address above (and has the page's password, where there is one) change what is logged:
    /// `PUT /logs/level` with a filter as its body, as `debug` or `info,millstream::engine=debug`; an empty one is the default again
    #[arg(long, env = "MILLSTREAM_HTTP_ADMIN")]
    http_admin: bool,
    /// Let the live page show a few records that pass a part, on demand and without secrets. Beyond this machine it needs
    /// `MILLSTREAM_HTTP_AUTH`
    #[arg(long, env = "MILLSTREAM_PAGE_SAMPLES")]
    page_samples: bool,
    /// How to write logs, to the standard error
    #[arg(
        long,
        value_name = "text|json",
        default_value = "text",
        env = "MILLSTREAM_LOG_FORMAT"
    )]
    log_format: LogFormat,
}

/// Where the live page's user and password come from. Never from an argument: those are shown by the system to everybody.
const AUTH: &str = "MILLSTREAM_HTTP_AUTH";
/// How often metrics are brought up to date.
const REPORT: Duration = Duration::from_millis(250);

impl Run {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let Some((topology, settings)) = self.cluster.load(Output::Text, terminal)? else {
            return Ok(Outcome::Failed);
        };
        match self.start(topology, settings, terminal.environment) {
            Ok(()) => Ok(Outcome::Fine),
            Err(error) => {
                writeln!(terminal.err, "error: {error}")?;
                Ok(Outcome::Failed)
            }
        }
    }

    fn start(
        &self,
        topology: Topology,
        kafka: KafkaSettings,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), Box<dyn Error>> {
        let password = environment(AUTH);
        let credentials = password.as_deref().map(Credentials::new).transpose();
        let credentials = credentials.map_err(|why| format!("{AUTH}: {why}"))?;
        let open = credentials.is_none() && !self.http.ip().is_loopback();
        if self.page_samples && open {
            let why = format!(
                "--page-samples would show records to whoever reaches {}: set {AUTH}=USER:PASSWORD, or serve on 127.0.0.1",
                self.http
            );
            return Err(why.into());
        }
        let written = topology::written(&self.cluster.topology).unwrap_or_default();
        let started = SystemTime::now();
        let levels = logs::init(self.log_format)?;
        let exposition = Exposition::install()?;
        let broker = KafkaBroker::new(kafka);
        let instance = self.instance.clone().unwrap_or_else(host_name);
        let mut settings = WorkerSettings::new(&instance, 0, topology.commit_interval);
        settings.static_membership = self.static_membership;
        let workers = self.workers.map_or(topology.workers, usize::from);
        let selection = match self.only.as_slice() {
            [] => Selection::all(&topology),
            names => Selection::of(&topology, names).map_err(|why| format!("--only: {why}"))?,
        };
        let topology = Arc::new(topology);
        tracing::info!(
            application = topology.application,
            instance,
            workers,
            brokers = self.cluster.connection.brokers,
            "starting"
        );

        // Signals are caught before anything is begun that must end well.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (mut terminate, mut interrupt) = runtime.block_on(async {
            Ok::<_, io::Error>((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
        })?;
        let stores = self.stores(&topology, &instance)?;
        let fingerprint = topology::fingerprint(&self.cluster.topology)?;
        names::topology_info(&topology.application, &fingerprint).set(1.0);
        let schemas = Schemas::of(topology.schema_registry.as_ref())?;
        let exporter = Exporter::of(traces::Settings::of(environment), &topology.application, &instance);
        let engine = Engine::start(
            Arc::clone(&topology),
            Backends {
                broker: Box::new(broker.clone()),
                stores: Box::new(Arc::clone(&stores)),
                schemas,
                traces: exporter.as_ref().map_or_else(Traces::off, Exporter::traces),
            },
            Topics::Prepare,
            selection.clone(),
            workers,
            &settings,
        )?;
        let feeds = Feeds::start(&topology, &broker, &|feed| selection.runs_feed(&feed.name))?;
        let health = || RunHealth {
            engine: EngineHealth(engine.status().clone()),
            feeds: feeds.states().to_vec(),
        };
        if open {
            tracing::info!(
                "the live page is shown to whoever reaches {}: {AUTH} protects it",
                self.http
            );
        }
        let live = Arc::clone(exposition.live());
        let view = RunView {
            topology: Arc::clone(&topology),
            selection,
            written,
            instance,
            status: engine.status().clone(),
            feeds: feeds.states().to_vec(),
            lag: Arc::clone(&live),
            health: Box::new(health()),
            started,
            samples: self.page_samples,
        };
        let page = Page {
            view: Box::new(view),
            credentials,
        };
        let levels = self.http_admin.then_some(levels);
        let server = HttpServer::start_with(self.http, exposition, health(), levels, Some(page))?;
        tracing::info!(address = %server.address(), "metrics, health and the live page are served");
        let mut reporter = Reporter::new(engine.status().clone(), live, Box::new(broker.clone()), stores);
        let readiness = names::ready();
        let mut ready = false;
        runtime.block_on(async {
            while !engine.is_stopping() && !feeds.has_ended() {
                tokio::select! {
                    _ = terminate.recv() => break,
                    _ = interrupt.recv() => break,
                    () = tokio::time::sleep(REPORT) => reporter.update(),
                }
                let now_ready =
                    engine.status().reasons().is_empty() && feeds.states().iter().all(|feed| feed.why_down().is_none());
                if now_ready && !ready {
                    tracing::info!("ready");
                }
                ready = now_ready;
                readiness.set(f64::from(u8::from(ready)));
            }
        });
        tracing::info!("stopping: the last commit");
        readiness.set(0.0);
        feeds.stop();
        engine.stop();
        // A second signal ends at once what does not end well.
        let ended = std::thread::spawn(move || -> Result<(), Box<dyn Error + Send + Sync>> {
            let fed = feeds.join();
            engine.join()?;
            Ok(fed?)
        });
        runtime.block_on(async {
            while !ended.is_finished() {
                tokio::select! {
                    _ = interrupt.recv() => break,
                    () = tokio::time::sleep(Duration::from_millis(20)) => {}
                }
            }
        });
        if ended.is_finished() {
            reporter.update();
            match ended.join() {
                Ok(result) => result.map_err(|error| -> Box<dyn Error> { error })?,
                Err(_) => return Err("the engine panicked".into()),
            }
        }
        // With the spans of the last transactions.
        drop(exporter);
        server.stop();
        tracing::info!("stopped");
        Ok(())
    }
}

impl Run {
    /// The folder of this instance's state, if it keeps any on disk.
    fn stores(&self, topology: &Topology, instance: &str) -> Result<Arc<dyn Stores>, StateError> {
        let subtopologies = topology.graph().subtopologies;
        let known: Vec<(&str, &str)> = subtopologies
            .iter()
            .flat_map(|sub| {
                sub.stores
                    .iter()
                    .flat_map(|(_, store)| sub.topics().map(|topic| (topic, store.name.as_str())))
            })
            .collect();
        if known.is_empty() || topology.state.stores == StoresIn::Memory {
            return Ok(Arc::new(MemoryStores));
        }
        let memory = usize::try_from(self.state_memory.unwrap_or(topology.state.memory)).unwrap_or(usize::MAX);
        let folder = StateFolder::open(
            &self.state_dir,
            &topology.application,
            instance,
            memory,
            Arc::new(OsDisk),
        )?;
        tracing::info!(folder = %folder.path().display(), "state is kept here");
        for unused in folder.unused(&known)? {
            tracing::warn!(
                folder = %unused.display(),
                "no processor has this store any more; it can be removed while this instance is stopped"
            );
        }
        Ok(folder)
    }
}

/// Health of the engine and the feeds together.
struct RunHealth {
    engine: EngineHealth,
    feeds: Vec<Arc<FeedState>>,
}

impl Probe for RunHealth {
    fn report(&self) -> Report {
        let mut report = self.engine.report();
        for feed in &self.feeds {
            if let Some(why) = feed.why_down() {
                report.not_ready.push(format!("feed {}: {why}", feed.name));
            }
        }
        report
    }
}

fn size(text: &str) -> Result<u64, &'static str> {
    let size = text.parse().ok().or_else(|| parse_size(text));
    size.ok_or("write a number and its unit, as in 64MB or 2GB, or bytes")
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "local".to_owned()
    } else {
        name.to_owned()
    }
}
