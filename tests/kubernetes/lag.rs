//! More pods when records wait, and fewer when none do, by the lag that the pods say.

use crate::adapter::Adapter;
use crate::cluster::{LIMIT, Namespace, cluster};
use crate::flow::{FEED, Flow};
use crate::harness::wait_until;
use crate::watch::{active, lag, watched};
use std::time::Duration;

const PARTITIONS: u64 = 3;

#[test]
#[ignore = "needs a cluster and an adapter's image: ./test --kubernetes"]
fn an_autoscaler_by_lag_adds_pods_up_to_the_partitions_and_takes_them_away_and_nothing_is_lost_or_doubled() {
    let mut flow = Flow::new("lag");
    let namespace = Namespace::restricted("lag");
    let brokers = flow.brokers();
    let _adapter = Adapter::install(&namespace);
    let values = [
        "topics.apply=true",
        "topics.partitions=3",
        "partitions=3",
        "persistence.enabled=false",
        // So slow that one of them can't do it.
        "resources.requests.cpu=20m",
        "resources.limits.cpu=50m",
        "autoscaling.enabled=true",
        "autoscaling.maxReplicas=3",
        "autoscaling.lag.averageValue=500",
        // Sooner than anybody would want it.
        "autoscaling.behavior.scaleDown.stabilizationWindowSeconds=10",
        "autoscaling.behavior.scaleDown.policies[0].type=Pods",
        "autoscaling.behavior.scaleDown.policies[0].value=1",
        "autoscaling.behavior.scaleDown.policies[0].periodSeconds=15",
    ];
    namespace.upgrade(&brokers, &values);
    // Before anything was ever read there is a number already: none would be an error to the autoscaler.
    wait_until("an autoscaler that knows the lag", LIMIT, || {
        active(&namespace, "millstream-main")
    });
    let path = format!(
        "/apis/custom.metrics.k8s.io/v1beta1/namespaces/{}/pods/*/millstream_lag_records",
        namespace.name
    );
    let told = cluster(&["get", "--raw", &path], None).unwrap_or_else(|why| panic!("{why}"));
    assert!(told.contains(r#""name":"millstream-main-0""#), "{told}");

    let seen = watched(&namespace, &brokers, FEED, || {
        flow.while_flowing(100_000, Duration::from_secs(30), || {
            namespace.wait_ready(3);
        });
        namespace.wait_ready(1);
    });
    println!("{}", namespace.kubectl(&["get", "hpa"]));
    assert_eq!(seen.most_wanted(), PARTITIONS, "never more than there are partitions");
    assert!(seen.most_lag() > 1500, "{} records", seen.most_lag());
    assert_eq!(lag(&brokers, FEED), 0, "all was read");

    // By the one that is left.
    flow.while_flowing(2_000, Duration::from_secs(5), || {});
}
