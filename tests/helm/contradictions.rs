//! Values that are refused: typos by the schema, contradictions by a sentence that says what to do.

use crate::rendering::{NEWEST, OLDEST, template};
use crate::report;

/// What is wrong, and what Helm must say.
const CONTRADICTIONS: &[(&str, &str)] = &[
    ("{}", "kafka.brokers is not set: say where Kafka is"),
    (
        "kafka: {brokers: 'kafka'}",
        "kafka.brokers has `kafka`, which is no host:port",
    ),
    (
        "kafka: {brokers: 'kafka:9092,'}",
        "kafka.brokers has ``, which is no host:port",
    ),
    (
        "kafka: {brokers: 'ssl://kafka:9092'}",
        "which is no host:port: write kafka.example.com:9092",
    ),
    (
        "{K, http: {samples: true}}",
        "http.samples shows records on the live page to whoever reaches it: name the Secret",
    ),
    (
        "{K, topology: {files: {topology.yaml: a}, existingConfigMap: {name: b}}}",
        "topology.files and topology.existingConfigMap are both a topology: keep one of them",
    ),
    (
        "{K, topology: {existingConfigMap: {name: b}, image: {reference: c}}}",
        "topology.existingConfigMap and topology.image are both a topology",
    ),
    (
        "{K, topology: {existingConfigMap: {items: [{key: a, path: b}]}}}",
        "items is set without a name",
    ),
    (
        "{K, topology: {files: {topology.yaml: a, a__b: c}}}",
        "topology.files has `a__b`: a path has neither `__` nor `..` in it",
    ),
    (
        "{K, topology: {files: {topology.yaml: a, ../b: c}}}",
        "topology.files has `../b`",
    ),
    (
        "{K, topology: {files: {feeds.yaml: a}}}",
        "topology.files has no `topology.yaml`, which the stage main runs: add it",
    ),
    (
        "{K, topology: {files: {topology.yaml: a}}, stages: {main: {file: feeds.yaml}}}",
        "topology.files has no `feeds.yaml`, which the stage main runs",
    ),
    (
        "{K, commonLabels: {app.kubernetes.io/name: x}}",
        "commonLabels has `app.kubernetes.io/name`, of which selectors are made",
    ),
    (
        "{K, podLabels: {millstream/stage: x}}",
        "podLabels of the stage main has `millstream/stage`",
    ),
    ("{K, stages: {main: null}}", "stages is empty, so nothing would run"),
    (
        "{K, stages: {feeds: {only: [a]}}}",
        "stages.main has no `only`, so it would run what the other stages run, too: say which parts are its own, or remove it by `main: null`",
    ),
    (
        "{K, stages: {main: {only: [a]}, other: {only: [b, a]}}}",
        "stages.main and stages.other both run `a`",
    ),
    (
        "{K, stages: {main: {kind: DaemonSet}}}",
        "stages.main.kind is `DaemonSet`: it is StatefulSet or Deployment",
    ),
    (
        "{K, stages: {main: {kind: Deployment, persistence: {enabled: true}}}}",
        "stages.main is a Deployment with persistence",
    ),
    (
        "{K, autoscaling: {enabled: true, maxReplicas: 3}, keda: {enabled: true, maxReplicas: 3, topics: [a], consumerGroup: g}}",
        "the stage main has both autoscaling and keda",
    ),
    (
        "{K, autoscaling: {enabled: true}}",
        "autoscaling.maxReplicas is not set for the stage main: set it to the partitions",
    ),
    (
        "{K, autoscaling: {enabled: true, minReplicas: 4, maxReplicas: 3}}",
        "autoscaling.maxReplicas of the stage main is less than minReplicas",
    ),
    (
        "{K, autoscaling: {enabled: true, minReplicas: 0, maxReplicas: 3}}",
        "autoscaling.minReplicas of the stage main is 0",
    ),
    (
        "{K, partitions: 6, autoscaling: {enabled: true, maxReplicas: 7}}",
        "autoscaling.maxReplicas of the stage main is 7, but there are 6 partitions, so that pods would have nothing to do: set it to 6 or less",
    ),
    (
        "{K, stages: {main: {partitions: 6, keda: {enabled: true, maxReplicas: 7, topics: [a], consumerGroup: g}}}}",
        "keda.maxReplicas of the stage main is 7",
    ),
    (
        "{K, keda: {enabled: true, maxReplicas: 3, consumerGroup: g}}",
        "keda has no topics for the stage main",
    ),
    (
        "{K, keda: {enabled: true, maxReplicas: 3, topics: [a]}}",
        "keda.consumerGroup is not set for the stage main",
    ),
    (
        "kafka: {brokers: 'a:1', tls: {enabled: true, clientCertificate: true}}",
        "kafka.tls.clientCertificate needs the certificate and its key",
    ),
    (
        "kafka: {brokers: 'a:1', tls: {existingSecret: s, clientCertificate: true}}",
        "kafka.tls.clientCertificate is set, but kafka.tls.enabled is not",
    ),
    (
        "kafka: {brokers: 'a:1', sasl: {enabled: true}}",
        "kafka.sasl.enabled needs user and password: name the Secret",
    ),
    (
        "kafka: {brokers: 'a:1', config: {sasl.password: x}}",
        "kafka.config has `sasl.password`, which is a secret: put it into a Secret under the key MILLSTREAM_KAFKA_SASL_PASSWORD",
    ),
    (
        "kafka: {brokers: 'a:1', config: {ssl.key.pem: x}}",
        "kafka.config has `ssl.key.pem`, which is a secret",
    ),
    (
        "kafka: {brokers: 'a:1', tls: {enabled: true}, config: {security.protocol: ssl}}",
        "kafka.config has `security.protocol`, which kafka.tls or kafka.sasl says too",
    ),
    (
        "{K, podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}}",
        "podDisruptionBudget of the stage main has both minAvailable and maxUnavailable",
    ),
    (
        "{K, resources: {limits: {memory: 500m}}}",
        "resources.limits.memory of the stage main is `500m`, of which no memory budget can be made",
    ),
    (
        "{K, resources: {requests: {memory: 1Gi}, limits: {memory: 900M}}}",
        "resources.requests.memory of the stage main is more than its limit of 900M: lower it, or leave it out",
    ),
    (
        "{K, webhook: {ingress: {enabled: true, hosts: [{host: h, paths: [{path: /}]}]}}}",
        "webhook.ingress or webhook.httpRoute is enabled, but webhook.enabled is not",
    ),
    (
        "{K, webhook: {httpRoute: {enabled: true, parentRefs: [{name: p}]}}}",
        "webhook.enabled is not",
    ),
    (
        "{K, webhook: {enabled: true, stage: feeds}}",
        "webhook.stage is `feeds`, and there is no such stage: name the one that has the webhook feed, of: main",
    ),
    (
        "{K, webhook: {enabled: true, port: 8080}}",
        "webhook.port and http.port are both 8080",
    ),
    (
        "{K, webhook: {enabled: true, ingress: {enabled: true}}}",
        "webhook.ingress has no hosts",
    ),
    (
        "{K, webhook: {enabled: true, httpRoute: {enabled: true}}}",
        "webhook.httpRoute belongs to no gateway",
    ),
    (
        "{K, serviceMonitor: {enabled: true}, podMonitor: {enabled: true}}",
        "serviceMonitor and podMonitor are both enabled",
    ),
    (
        "{K, serviceMonitor: {enabled: true}, service: {enabled: false}}",
        "serviceMonitor needs the Service",
    ),
    (
        "{K, canary: {to: a, from: b}}",
        "canary needs all of to, from and value",
    ),
    (
        "{K, canary: {to: a, from: b, value: c}}",
        "canary.value has no `{canary}`",
    ),
];

/// What is misspelt, or of another type, and the place that Helm must name.
const TYPOS: &[(&str, &str)] = &[
    ("{K, replica: 2}", "additional properties 'replica' not allowed"),
    (
        "kafka: {broker: 'a:1'}",
        "at '/kafka': additional properties 'broker' not allowed",
    ),
    (
        "{K, stages: {main: {replica: 2}}}",
        "at '/stages/main': additional properties 'replica' not allowed",
    ),
    ("{K, stages: {Main: {}}}", "'Main' does not match pattern"),
    ("{K, stages: {a-name-that-is-too-long: {}}}", "does not match pattern"),
    (
        "{K, stages: {main: {persistence: {enable: true}}}}",
        "at '/stages/main/persistence': additional properties 'enable' not allowed",
    ),
    (
        "{K, persistence: {accessModes: [ReadWriteOften]}}",
        "at '/persistence/accessModes/0'",
    ),
    ("{K, replicas: '2'}", "at '/replicas': got string, want integer"),
    (
        "{K, resources: {limit: {memory: 1Gi}}}",
        "at '/resources': additional properties 'limit' not allowed",
    ),
    (
        "{K, topology: {paths: /a}}",
        "at '/topology': additional properties 'paths' not allowed",
    ),
    (
        "{K, topology: {files: {topology.yaml: {application: orders}}}}",
        "at '/topology/files/topology.yaml': got object, want string",
    ),
    ("{K, topology: {env: {a-b: c}}}", "invalid propertyName 'a-b'"),
    ("{K, antiAffinity: strict}", "at '/antiAffinity'"),
    (
        "{K, webhook: {ingress: {host: a}}}",
        "at '/webhook/ingress': additional properties 'host' not allowed",
    ),
    (
        "{K, probes: {readyness: {}}}",
        "at '/probes': additional properties 'readyness' not allowed",
    ),
    (
        "kafka: {brokers: 'a:1', sasl: {mechanism: SCRAM}}",
        "at '/kafka/sasl/mechanism'",
    ),
];

fn refused(cases: &[(&str, &str)]) {
    let mut findings = Vec::new();
    for (values, wanted) in cases {
        match template(&values.replace("{K,", "{kafka: {brokers: 'a:1'},"), NEWEST) {
            Ok(_) => findings.push(format!("{values}: taken, though {wanted}")),
            Err(said) if said.contains(wanted) => {}
            Err(said) => findings.push(format!("{values}: {said}")),
        }
    }
    report(&findings);
}

#[test]
fn values_that_contradict_each_other_are_refused_with_what_to_do() {
    refused(CONTRADICTIONS);
}

#[test]
fn a_typo_is_refused_with_its_place() {
    refused(TYPOS);
}

#[test]
fn every_mistake_is_told_at_once() {
    let said = template(
        "{stages: {main: {kind: Job}}, webhook: {enabled: true, stage: x}}",
        NEWEST,
    )
    .expect_err("refused");
    assert_eq!(said.lines().filter(|line| line.starts_with("- ")).count(), 3, "{said}");
}

#[test]
fn an_old_kubernetes_has_no_volumes_of_images() {
    let said = template("{kafka: {brokers: 'a:1'}, topology: {image: {reference: b}}}", OLDEST).expect_err("refused");
    assert!(
        said.contains("topology.image needs Kubernetes 1.33 or newer, and this is v1.28.0: use topology.files"),
        "{said}"
    );
}

#[test]
fn a_topology_that_is_too_large_for_a_config_map_is_refused() {
    let values = format!(
        "{{kafka: {{brokers: 'a:1'}}, topology: {{files: {{topology.yaml: '{}'}}}}}}",
        "a".repeat(1_000_001)
    );
    let said = template(&values, NEWEST).expect_err("refused");
    assert!(
        said.contains("bytes, and a ConfigMap takes 1 MiB: use topology.image"),
        "{said}"
    );
}

#[test]
fn a_part_of_another_chart_may_have_what_is_global() {
    template("{kafka: {brokers: 'a:1'}, global: {anything: 1}}", NEWEST).expect("taken");
}
