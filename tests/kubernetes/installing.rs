//! From nothing to events.

use crate::cluster::{Namespace, RELEASE};
use crate::flow::Flow;
use std::time::Duration;

/// As the README says it; the topics are made, as nobody else does in a new Kafka.
#[test]
#[ignore = "needs a cluster: ./test --kubernetes"]
fn a_release_that_was_told_only_where_kafka_is_works_from_end_to_end() {
    let mut flow = Flow::new("installing");
    let namespace = Namespace::restricted("installing");
    println!("{}", namespace.upgrade(&flow.brokers(), &["topics.apply=true"]));
    println!("{}", namespace.helm(&["test", RELEASE, "--logs", "--timeout", "120s"]));
    flow.while_flowing(5_000, Duration::from_secs(5), || {});
    flow.verify_order();

    // It is enforced, and not because nobody asked for more.
    let privileged = r#"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "privileged"}, "spec": {"containers": [
        {"name": "privileged", "image": "any:1", "securityContext": {"privileged": true}}]}}"#;
    let refused = namespace.try_kubectl(&["create", "--filename", "-"], Some(privileged));
    assert!(refused.is_err_and(|why| why.contains("violates PodSecurity \"restricted")));
}
