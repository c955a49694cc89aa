//! What serves the pods' lag to an autoscaler: a Prometheus beside the cluster that scrapes the pods, and prometheus-adapter in it, with the
//! configuration that docs/kubernetes.md tells people to give theirs.

use crate::cluster::{LIMIT, Namespace, RELEASE, cluster, setting};
use crate::harness::prometheus::Prometheus;
use crate::harness::{children, free_port, host, log_folder, wait_until};
use std::fs::File;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

const MANIFEST: &str = include_str!("adapter.yaml");
const PAGE: &str = include_str!("../../docs/kubernetes.md");
const SERVICE: &str = "v1beta1.custom.metrics.k8s.io";
const NAMESPACE: &str = "adapter";
/// More than any test has.
const PODS: usize = 6;

/// Gone with the test, as all that it made in the cluster.
pub struct Adapter {
    manifest: String,
    // Fields are dropped in this order.
    _namespace: Namespace,
    _prometheus: Prometheus,
    _proxy: Proxy,
}

impl Adapter {
    /// Installs it, and waits until it serves. Its Prometheus scrapes the pods of `scraped`.
    ///
    /// A cluster's own adapter it leaves alone: whose pods that one's Prometheus scrapes nobody knows here.
    pub fn install(scraped: &Namespace) -> Self {
        let image = setting("MILLSTREAM_TEST_ADAPTER");
        let own = cluster(
            &[
                "get",
                "apiservice",
                SERVICE,
                "--ignore-not-found",
                "--output",
                "jsonpath={.metadata.labels.millstream-test}{.spec.service.name}",
            ],
            None,
        );
        let own = own.unwrap_or_else(|why| panic!("{why}"));
        assert!(
            own.is_empty() || own.starts_with("adapter"),
            "the cluster has an adapter of its own, {own}, which this test leaves as it is: run it without MILLSTREAM_TEST_ADAPTER"
        );
        let proxy = Proxy::start();
        let prometheus = Prometheus::start_at(&host(), &scrape(proxy.port, &scraped.name));
        let namespace = Namespace::restricted(NAMESPACE);
        let config = format!("--from-literal=config.yaml={}", configuration());
        namespace.kubectl(&["create", "configmap", "prometheus-adapter", &config]);
        let manifest = MANIFEST
            .replace("NAMESPACE", &namespace.name)
            .replace("IMAGE", &image)
            .replace("PROMETHEUS", &format!("http://{}", prometheus.address()));
        let adapter = Self {
            manifest,
            _namespace: namespace,
            _prometheus: prometheus,
            _proxy: proxy,
        };
        let applied = cluster(&["apply", "--filename", "-"], Some(&adapter.manifest));
        applied.unwrap_or_else(|why| panic!("{why}"));
        wait_until(SERVICE, LIMIT, || {
            cluster(&["get", "--raw", "/apis/custom.metrics.k8s.io/v1beta1"], None)
        });
        adapter
    }
}

impl Drop for Adapter {
    fn drop(&mut self) {
        let deleted = cluster(
            &["delete", "--ignore-not-found", "--wait=false", "--filename", "-"],
            Some(&self.manifest),
        );
        if let Err(why) = deleted {
            eprintln!("{why}");
        }
    }
}

/// The block of the page that begins so, as it stands there.
fn configuration() -> &'static str {
    let mut blocks = PAGE
        .split("```")
        .map(|block| block.strip_prefix("yml\n").unwrap_or_default());
    blocks
        .find(|block| block.starts_with("rules:"))
        .expect("docs/kubernetes.md has the adapter's rules")
}

/// Every pod that there may be, with the labels that Prometheus' operator gives those of the chart's PodMonitor, and through the API server:
/// pods need not be reachable from here. (Debian's Prometheus can't look for them itself.)
fn scrape(proxy: u16, namespace: &str) -> String {
    let target = |number: usize| {
        let pod = format!("{RELEASE}-main-{number}");
        format!(
            "  - targets: ['127.0.0.1:{proxy}']
    labels: {{namespace: {namespace}, pod: {pod}, instance: {pod}, container: millstream, stage: main,
      __metrics_path__: '/api/v1/namespaces/{namespace}/pods/{pod}:8080/proxy/metrics'}}\n"
        )
    };
    let targets: String = (0..PODS).map(target).collect();
    format!("- job_name: millstream\n  static_configs:\n{targets}")
}

/// The API server on a port of this machine, without a password.
struct Proxy {
    child: Child,
    port: u16,
}

impl Proxy {
    fn start() -> Self {
        let port = free_port();
        let mut command = Command::new("kubectl");
        command.args(["proxy", "--port", &port.to_string()]);
        // It says whenever Prometheus does not wait any longer for a pod.
        let log = File::create(log_folder().join(format!("kubectl-proxy-{port}.log"))).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = children::start(command);
        wait_until("kubectl proxy", LIMIT, || {
            TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())
        });
        Self { child, port }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
