//! Releases that change while events flow.

use crate::cluster::{Namespace, RELEASE};
use crate::flow::Flow;
use std::time::Duration;

#[test]
#[ignore = "needs a cluster: ./test --kubernetes"]
fn an_upgrade_and_a_rollback_under_load_lose_and_double_nothing_and_a_bad_topology_changes_nothing() {
    let mut flow = Flow::new("upgrading");
    let namespace = Namespace::restricted("upgrading");
    let values = ["topics.apply=true", "replicas=3"];
    namespace.upgrade(&flow.brokers(), &values);
    let first = namespace.pods();

    let brokers = flow.brokers();
    flow.while_flowing(15_000, Duration::from_secs(45), || {
        let changed = [&values[..], &["logging.level=debug"]].concat();
        namespace.upgrade(&brokers, &changed);
    });
    let second = namespace.pods();
    assert_eq!(second.len(), 3, "{second:?}");
    assert!(
        second.iter().all(|(pod, uid)| first[pod] != *uid),
        "every pod was made anew"
    );

    flow.while_flowing(15_000, Duration::from_secs(45), || {
        namespace.helm(&["rollback", RELEASE, "1", "--wait", "--timeout", "180s"]);
    });
    let third = namespace.pods();
    assert!(
        third.iter().all(|(pod, uid)| second[pod] != *uid),
        "every pod was made anew"
    );

    flow.while_flowing(5_000, Duration::from_secs(10), || {
        let bad = [&values[..], &["topology.files.topology\\.yaml=application: broken"]].concat();
        let refused = namespace.try_upgrade(&brokers, &bad);
        refused.expect_err("a topology without sources is refused");
    });
    assert_eq!(namespace.pods(), third, "the pods go on as they were");
}
