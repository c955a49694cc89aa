//! Pods that die, and come back.

use crate::cluster::Namespace;
use crate::flow::Flow;
use crate::harness::wait_until;
use std::time::Duration;

#[test]
#[ignore = "needs a cluster: ./test --kubernetes"]
fn pods_that_are_killed_and_evicted_under_load_lose_and_double_nothing_and_restore_nothing() {
    let mut flow = Flow::new("killed");
    let namespace = Namespace::restricted("killed");
    let values = ["topics.apply=true", "replicas=3"];
    namespace.upgrade(&flow.brokers(), &values);
    let before = namespace.pods();
    assert_eq!(before.len(), 3, "{before:?}");

    flow.while_flowing(20_000, Duration::from_secs(60), || {
        std::thread::sleep(Duration::from_secs(5));
        namespace.kubectl(&["delete", "pod", "millstream-main-0", "--force", "--grace-period", "0"]);
        back(&namespace, "millstream-main-0", &before["millstream-main-0"]);

        namespace
            .evict("millstream-main-1")
            .unwrap_or_else(|why| panic!("{why}"));
        // One is away already.
        let refused = namespace.evict("millstream-main-2").expect_err("a budget");
        assert!(refused.contains("disruption budget"), "{refused}");
        back(&namespace, "millstream-main-1", &before["millstream-main-1"]);
    });

    // They came back to their volumes: what was restored is what one transaction wrote at most, and never a store.
    let total = |metric: &str| {
        namespace
            .pods()
            .keys()
            .map(|pod| namespace.metric(pod, metric))
            .sum::<f64>()
    };
    let restored = total("millstream_restore_records_total");
    let owned = total("millstream_store_entries");
    println!("{restored} records were restored, of stores with {owned} entries");
    assert!(owned > 15_000.0, "{owned} entries");
    assert!(restored < owned / 20.0, "{restored} records of {owned} were restored");
}

/// Waits until the pod was made anew and all are ready.
fn back(namespace: &Namespace, pod: &str, before: &str) {
    wait_until(&format!("a new {pod}"), crate::cluster::LIMIT, || {
        match namespace.pods().get(pod) {
            Some(uid) if uid != before => Ok(()),
            Some(_) => Err("it is the one of before".to_owned()),
            None => Err("it is gone".to_owned()),
        }
    });
    namespace.wait_ready(3);
}
