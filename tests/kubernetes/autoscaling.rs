//! More pods when there is more to do, by what every cluster knows of them.

use crate::cluster::Namespace;
use crate::flow::Flow;
use std::time::Duration;

/// By processor time, which needs a metrics server only.
#[test]
#[ignore = "needs a cluster: ./test --kubernetes"]
fn an_autoscaler_adds_pods_under_load_and_nothing_is_lost_or_doubled() {
    let mut flow = Flow::new("autoscaling");
    let namespace = Namespace::restricted("autoscaling");
    let values = [
        "topics.apply=true",
        "persistence.enabled=false",
        "resources.requests.cpu=20m",
        "autoscaling.enabled=true",
        "autoscaling.minReplicas=1",
        "autoscaling.maxReplicas=2",
        "autoscaling.metrics[0].type=Resource",
        "autoscaling.metrics[0].resource.name=cpu",
        "autoscaling.metrics[0].resource.target.type=Utilization",
        "autoscaling.metrics[0].resource.target.averageUtilization=50",
    ];
    namespace.upgrade(&flow.brokers(), &values);
    namespace.wait_ready(1);
    flow.while_flowing(150_000, Duration::from_secs(60), || {
        namespace.wait_ready(2);
    });
}
