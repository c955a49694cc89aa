//! The values that the chart is rendered with: each option on and off, each kind of a choice, and all at once.
//!
//! A test here holds that no value of `values.yaml` is left out.

use crate::readme;
use crate::rendering::json;
use crate::{read, report};
use millstream::yaml::read_text;
use serde_json::Value;

pub struct Case {
    pub name: &'static str,
    values: &'static str,
    /// Whether an older Kubernetes refuses it.
    pub newest_only: bool,
}

impl Case {
    /// The values, with brokers where the case has none.
    pub fn values(&self) -> String {
        if let Some(path) = self.values.strip_prefix("file: ") {
            return read(path);
        }
        if self.values.contains("kafka:") {
            return self.values.to_owned();
        }
        match self.values.strip_prefix('{') {
            Some(rest) => format!("{{kafka: {{brokers: 'kafka:9092'}}, {rest}"),
            None => format!("kafka: {{brokers: 'kafka:9092'}}\n{}", self.values),
        }
    }
}

const fn case(name: &'static str, values: &'static str) -> Case {
    Case {
        name,
        values,
        newest_only: false,
    }
}

pub const CASES: &[Case] = &[
    case("default", ""),
    case("small", "file: helm/examples/small.yaml"),
    case("production", "file: helm/examples/production.yaml"),
    case("everything", include_str!("everything.yaml")),
    case(
        "image",
        "
image: {repository: registry.example.com/millstream, tag: v9, pullPolicy: Always}
imagePullSecrets: [{name: registry}]",
    ),
    case(
        "digest",
        "image: {digest: 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'}",
    ),
    case("another name", "{nameOverride: events, commonLabels: {team: crm, app.kubernetes.io/part-of: crm}, podAnnotations: {kubectl.kubernetes.io/default-container: beside}, commonAnnotations: {cost: '7'}}"),
    case("a long name", "fullnameOverride: a-name-that-is-longer-than-kubernetes-would-like-it-to-be-for-a-stage"),
    case("properties of Kafka", "kafka: {brokers: 'kafka:9092', config: {linger.ms: 10, socket.keepalive.enable: true, message.max.bytes: 100000000}}"),
    case("TLS by public authorities", "kafka: {brokers: 'kafka:9092', tls: {enabled: true}}"),
    case("TLS by a Secret", "kafka: {brokers: 'kafka:9092', tls: {enabled: true, existingSecret: kafka-ca, caKey: ca.pem}}"),
    case(
        "mutual TLS",
        "kafka: {brokers: 'kafka:9092', tls: {enabled: true, existingSecret: kafka, clientCertificate: true, clientSecret: user, certKey: user.crt, keyKey: user.key}}",
    ),
    case(
        "a password without TLS",
        "kafka: {brokers: 'kafka:9092', sasl: {enabled: true, mechanism: PLAIN, existingSecret: user, usernameKey: name, passwordKey: word}}",
    ),
    case(
        "a topology by its files",
        "
topology:
  file: main.yaml
  files: {main.yaml: 'application: orders', normalize/created.yaml: 'output: {}'}
topics: {apply: true}",
    ),
    case("a topology in a ConfigMap", "topology: {existingConfigMap: {name: orders}}"),
    case(
        "a topology in a ConfigMap, by its keys",
        "topology: {existingConfigMap: {name: orders, items: [{key: a, path: topology.yaml}, {key: b, path: normalize/b.yaml}]}}",
    ),
    Case {
        name: "a topology in an image",
        values: "topology: {image: {reference: 'registry.example.com/orders:1', pullPolicy: Always, path: /orders}}",
        newest_only: true,
    },
    case(
        "a topology in the program's image",
        "topology: {path: /orders, file: feeds.yaml, env: {CODEC: avro, LIMIT: 10000000, STRICT: true}, existingSecrets: [orders, more]}",
    ),
    case(
        "two stages",
        "stages: {main: {only: [dedupe], workers: 2}, feeds: {kind: Deployment, only: [ecomm], file: feeds.yaml, deploymentStrategy: {type: Recreate}}}",
    ),
    case("no volume", "persistence: {enabled: false, ephemeralSizeLimit: 5Gi}"),
    case(
        "volumes as they can be",
        "persistence: {size: 1Ti, storageClass: fast, accessModes: [ReadWriteOncePod], annotations: {backup: 'no'}, retention: {whenDeleted: Delete, whenScaled: Delete}}",
    ),
    case("an autoscaler by lag", "autoscaling: {enabled: true, minReplicas: 2, maxReplicas: 6, lag: {metric: lag, averageValue: 500}}"),
    case(
        "an autoscaler by other metrics",
        "autoscaling: {enabled: true, maxReplicas: 6, behavior: null, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]}",
    ),
    case("KEDA", "keda: {enabled: true, maxReplicas: 6, topics: [orders, notes], consumerGroup: orders}"),
    case(
        "KEDA with a password",
        "
kafka: {brokers: 'kafka:9092', tls: {enabled: true, existingSecret: kafka, clientCertificate: true}, sasl: {enabled: true, existingSecret: user}}
keda: {enabled: true, minReplicas: 0, maxReplicas: 6, topics: [orders], consumerGroup: orders, lagThreshold: 1000000, activationLagThreshold: 5, offsetResetPolicy: latest}",
    ),
    case(
        "KEDA by what is somebody else's",
        "
kafka: {brokers: 'kafka:9092', tls: {enabled: true, existingSecret: kafka}}
keda:
  enabled: true
  maxReplicas: 6
  topics: [orders]
  consumerGroup: orders
  authenticationRef: mine
  advanced: null
  pollingInterval: 10
  cooldownPeriod: 60
  annotations: {a: b}
  fallback: {failureThreshold: 3, replicas: 3}
  extraTriggers: [{type: cron, metadata: {timezone: UTC, start: 0 6 * * *, end: 0 20 * * *, desiredReplicas: '3'}}]",
    ),
    case("no budget for disruptions", "podDisruptionBudget: {enabled: false}"),
    case("a budget of those that stay", "podDisruptionBudget: {minAvailable: 50%, unhealthyPodEvictionPolicy: IfHealthyBudget}"),
    case("a budget of those that may go", "podDisruptionBudget: {maxUnavailable: 2}"),
    case(
        "how pods are replaced",
        "{replicas: 3, staticMembership: false, podManagementPolicy: OrderedReady, updateStrategy: {type: OnDelete}, minReadySeconds: 10, terminationGracePeriodSeconds: 120, revisionHistoryLimit: 2}",
    ),
    case("probes", "probes: {startup: {failureThreshold: 9}, liveness: {periodSeconds: 20}, readiness: {timeoutSeconds: 9}}"),
    case("no limits", "resources: {limits: null}"),
    case("memory by hand", "{stateMemory: 32MB, workers: 4, extraArgs: [--kafka, linger.ms=5]}"),
    case("another port", "http: {port: 9000, listen: '[::]', admin: true, samples: true, authSecret: {name: page, key: login}}"),
    case("logs and traces", "{logging: {format: text, level: debug}, tracing: {endpoint: 'http://collector:4318'}}"),
    case("no check", "check: {enabled: false}"),
    case("a check without Secrets", "{check: {strict: false}, topology: {existingSecrets: [orders]}, extraEnvFrom: [{secretRef: {name: more}}]}"),
    case(
        "topics",
        "{topics: {apply: true, partitions: 12, replicationFactor: 3}, hooks: {activeDeadlineSeconds: 60, podAnnotations: {a: b}, resources: {limits: {memory: 128Mi}}}}",
    ),
    case("no canary", "canary: {enabled: false}"),
    case(
        "a canary of one's own",
        "canary: {to: orders, from: orders.done, deadLetters: orders.dead-letters, value: '{\"id\": \"{canary}\"}', key: '{canary}', headers: {env: dev}, timeout: 2m}",
    ),
    case("no Service", "service: {enabled: false}"),
    case("a Service for all", "service: {type: LoadBalancer, port: 80, annotations: {a: b}, ipFamilyPolicy: PreferDualStack}"),
    case("a webhook", "webhook: {enabled: true, port: 8481, drainSeconds: 0, service: {type: NodePort, port: 80, annotations: {a: b}}}"),
    case(
        "a webhook behind an Ingress",
        "
webhook:
  enabled: true
  ingress: {enabled: true, className: nginx, annotations: {a: b}, hosts: [{host: h.example.com, paths: [{path: /feeds}]}], tls: [{secretName: tls, hosts: [h.example.com]}]}",
    ),
    case(
        "a webhook behind a gateway",
        "
webhook:
  enabled: true
  httpRoute:
    enabled: true
    annotations: {a: b}
    parentRefs: [{name: public}]
    hostnames: [h.example.com]
    matches: [{path: {type: Exact, value: /feeds/eventbridge}}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: a, value: b}]}}]",
    ),
    case("a network policy", "{kafka: {brokers: 'a:9092, b:9093,c:9092 '}, networkPolicy: {enabled: true}}"),
    case("the namespace's account", "serviceAccount: {create: false}"),
    case("an account of one's own", "serviceAccount: {name: events, annotations: {role: reader}, automountToken: false}"),
    case(
        "a ServiceMonitor",
        "serviceMonitor: {enabled: true, labels: {release: prometheus}, interval: 30s, scrapeTimeout: 10s, relabelings: [{targetLabel: a, replacement: b}], metricRelabelings: [{action: labeldrop, regex: x}]}",
    ),
    case(
        "a PodMonitor",
        "podMonitor: {enabled: true, labels: {release: prometheus}, interval: 1m, scrapeTimeout: 10s, relabelings: [{targetLabel: a, replacement: b}], metricRelabelings: [{action: labeldrop, regex: x}]}",
    ),
    case(
        "alerts",
        "{prometheusRule: {enabled: true, labels: {a: b}, extraGroups: [{name: more, rules: [{alert: A, expr: up == 0}]}]}, runbooksUrl: 'https://git.example.com/runbooks/'}",
    ),
    case("dashboards", "{dashboards: {enabled: true, label: dashboards, labelValue: 'yes', folderAnnotation: ''}}"),
    case("pods apart", "{antiAffinity: hard, topologySpreadConstraints: []}"),
    case("pods anywhere", "{antiAffinity: none, topologySpreadConstraints: [{maxSkew: 2, topologyKey: rack, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {a: b}}}]}"),
];

#[test]
fn every_value_is_set_by_some_case() {
    let cases: Vec<Value> = CASES.iter().map(|case| parsed(case.name, &case.values())).collect();
    let sets = |path: &str| {
        let pointer = format!("/{}", path.replace('.', "/"));
        cases.iter().any(|values| {
            let stages = values["stages"].as_object().into_iter().flatten();
            values.pointer(&pointer).is_some() || stages.into_iter().any(|(_, stage)| stage.pointer(&pointer).is_some())
        })
    };
    let rows = readme::rows();
    let missing = rows.iter().filter(|row| !sets(&row.path));
    let findings: Vec<String> = missing.map(|row| format!("{}: no case sets it", row.path)).collect();
    report(&findings);
}

fn parsed(name: &str, values: &str) -> Value {
    let node = read_text(values, name).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:?}"));
    json(&node)
}
