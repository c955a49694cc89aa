//! Input that is transactional itself.

use crate::harness::client::Message;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use std::time::Duration;

#[test]
fn of_transactional_input_only_what_was_committed_counts() {
    let mut random = Random::seeded("transactional");
    let pipeline = Pipeline::customer_events("transactional");
    let load = pipeline.load("transactional", 4_000, 300, &mut random);
    let aborted = pipeline.load("aborted", 2_000, 300, &mut random);

    // Committed and aborted transactions take turns, of all sizes.
    let mut batches: Vec<(Vec<Message>, bool)> = Vec::new();
    let (mut good, mut bad) = (load.messages.iter(), aborted.messages.iter());
    loop {
        let committed: Vec<Message> = good.by_ref().take(random.between(1, 200) as usize).cloned().collect();
        let dropped: Vec<Message> = bad.by_ref().take(random.between(1, 100) as usize).cloned().collect();
        if committed.is_empty() && dropped.is_empty() {
            break;
        }
        batches.extend([(dropped, false), (committed, true)]);
    }
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline.client.produce_in_transactions("transactional-feed", &batches);
    pipeline.wait_done(&load, Duration::from_secs(60));
    assert!(instance.terminate().success());
    pipeline.verify(&load);
}
