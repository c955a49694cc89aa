//! Who may talk to the pods.

use crate::cluster::{LIMIT, Namespace, setting};
use crate::flow::Flow;
use crate::harness::wait_until;

#[test]
#[ignore = "needs a cluster: ./test --kubernetes"]
fn a_network_policy_lets_in_those_that_it_names_and_no_others() {
    let flow = Flow::new("network");
    let namespace = Namespace::restricted("network");
    let values = [
        "topics.apply=true",
        "persistence.enabled=false",
        "networkPolicy.enabled=true",
        "networkPolicy.httpFrom[0].podSelector.matchLabels.scrapes=millstream",
    ];
    namespace.upgrade(&flow.brokers(), &values);
    for (name, scrapes) in [("friend", "millstream"), ("stranger", "others")] {
        let pod = client(name, scrapes);
        let made = namespace.try_kubectl(&["create", "--filename", "-"], Some(&pod));
        made.unwrap_or_else(|why| panic!("{why}"));
    }
    namespace.kubectl(&[
        "wait",
        "--for",
        "condition=Ready",
        "pod/friend",
        "pod/stranger",
        "--timeout",
        "60s",
    ]);
    let asks = |pod: &str| {
        let url = "http://millstream:8080/livez";
        namespace.try_kubectl(
            &[
                "exec", pod, "--", "busybox", "timeout", "3", "busybox", "wget", "-q", "-O", "-", url,
            ],
            None,
        )
    };
    wait_until("an answer to whom it names", LIMIT, || asks("friend"));
    let refused = asks("stranger");
    assert!(refused.is_err(), "{refused:?}");
}

/// A pod with busybox in it, of the restricted level.
fn client(name: &str, scrapes: &str) -> String {
    let image = setting("MILLSTREAM_TEST_CLIENT");
    format!(
        r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}", "labels": {{"scrapes": "{scrapes}"}}}}, "spec": {{
            "terminationGracePeriodSeconds": 0,
            "securityContext": {{"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {{"type": "RuntimeDefault"}}}},
            "containers": [{{"name": "client", "image": "{image}", "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/busybox", "sleep", "3600"],
                "securityContext": {{"allowPrivilegeEscalation": false, "capabilities": {{"drop": ["ALL"]}}}}}}]}}}}"#
    )
}
