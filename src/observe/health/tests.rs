//! Tests of health.

use super::*;

#[test]
fn it_is_ready_when_tables_are_loaded_tasks_restored_and_brokers_answer() {
    let health = Health::new();
    let (table, worker) = (health.table("collections"), health.worker("worker-0"));
    let report = health.report();
    assert!(report.is_live());
    let reasons = [
        "the brokers do not answer",
        "table collections is being loaded",
        "worker-0 is starting",
    ];
    assert_eq!(report.not_ready, reasons);
    table.loaded();
    health.brokers_reachable(true);
    worker.tasks(1, 2);
    worker.beat();
    assert_eq!(health.report().not_ready, ["worker-0 is restoring 2 tasks"]);
    worker.tasks(3, 0);
    assert!(health.report().is_ready());
    health.brokers_reachable(false);
    assert!(!health.report().is_ready() && health.report().is_live());
}

#[test]
fn it_is_not_live_when_a_worker_died_of_a_panic() {
    let health = Health::new();
    let worker = health.worker("worker-0");
    let thread = std::thread::spawn(move || {
        worker.beat();
        std::panic::resume_unwind(Box::new("as a test"));
    });
    assert!(thread.join().is_err());
    assert_eq!(health.report().not_live, ["worker-0 has died"]);
    assert!(!health.report().is_ready());
}

#[test]
fn it_is_not_live_when_a_worker_hangs_and_is_again_when_it_goes_on() {
    let health = Health::stalled_after(Duration::from_millis(20));
    let worker = health.worker("worker-0");
    worker.beat();
    std::thread::sleep(Duration::from_millis(60));
    assert!(health.report().not_live[0].contains("has not looped"));
    worker.beat();
    assert!(health.report().is_live());
}

#[test]
fn it_stops_live_but_not_ready() {
    let health = Health::new();
    let worker = health.worker("worker-0");
    health.brokers_reachable(true);
    worker.beat();
    health.stopping();
    worker.finish();
    let report = health.report();
    assert!(report.is_live());
    assert_eq!(report.not_ready, ["it is stopping", "worker-0 has finished"]);
}
