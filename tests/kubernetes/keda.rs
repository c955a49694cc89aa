//! Pods by the group's lag as KEDA asks Kafka for it: none where nothing is to do, and never more than there are partitions.

use crate::cluster::{LIMIT, Namespace, RELEASE, cluster, setting};
use crate::flow::{FEED, Flow};
use crate::harness::secured::{PASSWORD, SecuredKafka, USER};
use crate::harness::wait_until;
use crate::watch::{active, lag, watched};
use std::time::Duration;

/// KEDA's own manifests, as its module has them; `./test --fetch` lays them there.
const MANIFESTS: &str = "target/test-tools/keda-v2.21.0/minimal";
const PARTITIONS: u64 = 3;

#[test]
#[ignore = "needs a cluster and KEDA's images: ./test --kubernetes"]
fn keda_wakes_pods_up_to_the_partitions_and_lets_the_last_one_go_and_nothing_is_lost_or_doubled() {
    let _keda = Keda::install();
    let mut flow = Flow::new("keda");
    let namespace = Namespace::restricted("keda");
    let brokers = flow.brokers();
    let values = [
        "topics.apply=true",
        "topics.partitions=3",
        "persistence.enabled=false",
        // So slow that one of them can't do it.
        "resources.requests.cpu=20m",
        "resources.limits.cpu=50m",
        "keda.enabled=true",
        "keda.minReplicas=0",
        // More than there are partitions: KEDA knows these itself.
        "keda.maxReplicas=6",
        "keda.topics[0]=feed.eventbridge",
        "keda.topics[1]=customers.normalized",
        "keda.consumerGroup=customer-events",
        "keda.lagThreshold=500",
        // Sooner than anybody would want it.
        "keda.pollingInterval=5",
        "keda.cooldownPeriod=10",
        "keda.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.stabilizationWindowSeconds=10",
        "keda.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.policies[0].type=Pods",
        "keda.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.policies[0].value=1",
        "keda.advanced.horizontalPodAutoscalerConfig.behavior.scaleDown.policies[0].periodSeconds=15",
    ];
    namespace.upgrade(&brokers, &values);
    // Nothing was ever read, and nothing is there to be read: that is no lag.
    wait_asleep(&namespace);
    // From now on there are markers at the ends of the topic that is written in transactions, one in each partition.
    let markers = "keda.activationLagThreshold=3";
    namespace.upgrade(&brokers, &[&values[..], &[markers]].concat());

    let seen = watched(&namespace, &brokers, FEED, || {
        flow.while_flowing(100_000, Duration::from_secs(30), || {
            namespace.wait_ready(3);
        });
        wait_asleep(&namespace);
        // A few are enough to wake one.
        flow.while_flowing(500, Duration::from_secs(5), || {});
    });
    println!("{}", namespace.kubectl(&["get", "scaledobject,hpa"]));
    assert_eq!(seen.most_wanted(), PARTITIONS, "never more than there are partitions");
    assert!(seen.most_lag() > 1500, "{} records", seen.most_lag());
    assert_eq!(lag(&brokers, FEED), 0, "all was read");
}

#[test]
#[ignore = "needs a cluster and KEDA's images: ./test --kubernetes"]
fn keda_asks_a_kafka_behind_tls_with_the_passwords_and_certificates_of_the_pods() {
    let _keda = Keda::install();
    let kafka = SecuredKafka::start();
    let (mutual, sasl) = (kafka.mutual_address(), kafka.sasl_address());
    let common = [
        "topics.apply=true",
        "persistence.enabled=false",
        "kafka.tls.enabled=true",
        "kafka.tls.existingSecret=authority",
        "keda.enabled=true",
        "keda.maxReplicas=2",
        "keda.topics[0]=feed.eventbridge",
        "keda.consumerGroup=customer-events",
        "keda.pollingInterval=5",
    ];
    let certificate = ["kafka.tls.clientCertificate=true", "kafka.tls.clientSecret=client"];
    let password = [
        "kafka.sasl.enabled=true",
        "kafka.sasl.mechanism=SCRAM-SHA-512",
        "kafka.sasl.existingSecret=user",
    ];
    // A name that is no secret is read from the pods' variables.
    let plain = [
        "kafka.sasl.enabled=true",
        "kafka.sasl.mechanism=PLAIN",
        "kafka.sasl.existingSecret=user",
        "kafka.sasl.username=alice",
    ];
    let ways: [(&str, &str, &[&str]); 3] = [
        ("keda-certificate", &mutual, &certificate),
        ("keda-password", &sasl, &password),
        ("keda-plain", &sasl, &plain),
    ];
    for (name, brokers, own) in ways {
        let namespace = Namespace::restricted(name);
        secrets(&namespace, &kafka);
        namespace.upgrade(brokers, &[&common[..], own].concat());
        wait_until(&format!("an autoscaler that knows the lag ({name})"), LIMIT, || {
            ready(&namespace)?;
            active(&namespace, &format!("keda-hpa-{RELEASE}-main"))
        });
        println!("{name}: {}", namespace.kubectl(&["get", "scaledobject,hpa"]));
        if name != "keda-password" {
            continue;
        }
        // It is these that let it in: with others it is kept out.
        let made = namespace.try_kubectl(&["create", "--filename", "-"], Some(WRONG));
        made.unwrap_or_else(|why| panic!("{why}"));
        namespace.upgrade(brokers, &[&common[..], own, &["keda.authenticationRef=wrong"]].concat());
        wait_until("KEDA to be kept out", LIMIT, || match ready(&namespace) {
            Err(why) if why.contains("SASL Authentication failed") => Ok(()),
            other => Err(format!("{other:?}")),
        });
    }
}

/// Whether KEDA could ask, and what it says otherwise. The autoscaler may go on with what it knew.
fn ready(namespace: &Namespace) -> Result<(), String> {
    let status = "jsonpath={range .status.conditions[?(@.type=='Ready')]}{.status} {.message}{end}";
    let said = namespace.try_kubectl(
        &["get", "scaledobject", &format!("{RELEASE}-main"), "--output", status],
        None,
    )?;
    if said.starts_with("True ") { Ok(()) } else { Err(said) }
}

/// The password of somebody else.
const WRONG: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "wrong"}, "stringData": {"password": "not-the-password"}},
    {"apiVersion": "keda.sh/v1alpha1", "kind": "TriggerAuthentication", "metadata": {"name": "wrong"}, "spec": {"secretTargetRef": [
        {"parameter": "username", "name": "user", "key": "username"},
        {"parameter": "password", "name": "wrong", "key": "password"},
        {"parameter": "ca", "name": "authority", "key": "ca.crt"}]}}]}"#;

fn secrets(namespace: &Namespace, kafka: &SecuredKafka) {
    let file = |key: &str, name: &str| format!("--from-file={key}={}", kafka.file(name).display());
    let value = |key: &str, value: &str| format!("--from-literal={key}={value}");
    let secrets = [
        ("authority", vec![file("ca.crt", "ca.pem")]),
        (
            "client",
            vec![file("tls.crt", "client.pem"), file("tls.key", "client.key")],
        ),
        ("user", vec![value("username", USER), value("password", PASSWORD)]),
    ];
    for (name, entries) in secrets {
        let entries = entries.iter().map(String::as_str);
        let arguments: Vec<&str> = ["create", "secret", "generic", name]
            .into_iter()
            .chain(entries)
            .collect();
        namespace.kubectl(&arguments);
    }
}

/// Waits until the release has no pod and is to have none.
fn wait_asleep(namespace: &Namespace) {
    wait_until("no pod", LIMIT, || {
        let stage = namespace.get(&format!("statefulset/{RELEASE}-main"));
        let (wanted, there) = (&stage["spec"]["replicas"], &stage["status"]["replicas"]);
        if wanted == 0 && there == 0 {
            return Ok(());
        }
        let scaled = namespace.try_kubectl(&["get", "scaledobject,hpa"], None);
        Err(format!(
            "{wanted} are wanted, {there} are there\n{}",
            scaled.unwrap_or_else(|why| why)
        ))
    });
}

/// In the cluster: its own, which is left as it is, or one that is gone with the test.
struct Keda {
    manifest: Option<String>,
}

impl Keda {
    fn install() -> Self {
        let known = |what: &str| {
            let own = [
                "get",
                what,
                "--namespace",
                "keda",
                "--ignore-not-found",
                "--output",
                "name",
            ];
            !cluster(&own, None).unwrap_or_else(|why| panic!("{why}")).is_empty()
        };
        if known("deployment/keda-operator") {
            println!("the cluster's own KEDA is used");
            return Self { manifest: None };
        }
        assert!(
            !known("apiservice/v1beta1.external.metrics.k8s.io") && !known("crd/scaledobjects.keda.sh"),
            "the cluster has something else that serves external metrics, or KEDA elsewhere than in the namespace keda, which this test leaves as it \
             is: run it without MILLSTREAM_TEST_KEDA"
        );
        let (operator, metrics) = (setting("MILLSTREAM_TEST_KEDA"), setting("MILLSTREAM_TEST_KEDA_METRICS"));
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + MANIFESTS;
        let manifest = cluster(&["kustomize", &manifest], None).unwrap_or_else(|why| panic!("{why}"));
        let named = [
            ("ghcr.io/kedacore/keda:main", operator.as_str()),
            ("ghcr.io/kedacore/keda-metrics-apiserver:main", &metrics),
            ("imagePullPolicy: Always", "imagePullPolicy: IfNotPresent"),
        ];
        let manifest = named.iter().fold(manifest, |manifest, (theirs, ours)| {
            assert!(manifest.contains(theirs), "KEDA's manifests have no {theirs}");
            manifest.replace(theirs, ours)
        });
        let keda = Self {
            manifest: Some(manifest),
        };
        // Its kinds are too large for the annotation that it would have otherwise.
        let applied = cluster(&["apply", "--server-side", "--filename", "-"], keda.manifest.as_deref());
        applied.unwrap_or_else(|why| panic!("{why}"));
        wait_until("KEDA's metrics", LIMIT, || {
            cluster(&["get", "--raw", "/apis/external.metrics.k8s.io/v1beta1"], None)
        });
        keda
    }
}

impl Drop for Keda {
    fn drop(&mut self) {
        let Some(manifest) = self.manifest.as_deref() else {
            return;
        };
        if std::thread::panicking() {
            for what in [
                "get pods,events",
                "logs --tail 40 deployment/keda-operator",
                "logs --tail 20 deployment/keda-metrics-apiserver",
            ] {
                let arguments: Vec<&str> = ["--namespace", "keda"].into_iter().chain(what.split(' ')).collect();
                eprintln!("{}", cluster(&arguments, None).unwrap_or_else(|why| why));
            }
        }
        let deleted = cluster(&["delete", "--ignore-not-found", "--filename", "-"], Some(manifest));
        if let Err(why) = deleted {
            eprintln!("{why}");
        }
    }
}
