//! Input that is transactional itself.

use crate::crew::Crew;
use crate::harness::client::Message;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::time::Duration;

#[test]
fn of_transactional_input_only_what_was_committed_counts() {
    check("transactional", transactional);
}

pub fn transactional(random: &mut Random, size: Size) -> Tally {
    let pipeline = Pipeline::customer_events("transactional");
    let load = pipeline.load("transactional", size.of(4_000, 20_000), 300, random);
    let aborted = pipeline.load("aborted", size.of(2_000, 10_000), 300, random);

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
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a"]);
    pipeline.client.produce_in_transactions("transactional-feed", &batches);
    pipeline.finish(crew, &load, Duration::from_secs(60))
}
