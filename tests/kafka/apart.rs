//! Stages in processes of their own (`run --only`), in the one group of the application.

use crate::crew::Crew;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::time::Duration;

const NORMALIZE: &[&str] = &["--only", "normalize-eventbridge"];
const DEDUPE: &[&str] = &["--only", "dedupe"];

#[test]
fn stages_run_apart_and_together_again_and_keep_their_offsets() {
    check("apart", apart);
}

pub fn apart(random: &mut Random, size: Size) -> Tally {
    let pipeline = Pipeline::customer_events("apart");
    let load = pipeline.load("apart", size.of(9_000, 60_000), 1_000, random);
    let mut thirds = load.messages.chunks(load.messages.len().div_ceil(3));
    let mut crew = Crew::new(&pipeline);
    let over = Duration::from_secs(size.of(3, 15));

    crew.start_all(&["whole"]);
    thirds
        .by_ref()
        .take(1)
        .for_each(|third| pipeline.flow(third, over).finish());
    crew.stop("whole");

    crew.start_with("front", NORMALIZE);
    crew.start_with("back", DEDUPE);
    crew.wait_ready();
    for third in thirds.by_ref().take(1) {
        let flow = pipeline.flow(third, over);
        std::thread::sleep(over / 3);
        crew.kill("back");
        crew.start_with("back", DEDUPE);
        std::thread::sleep(over / 3);
        crew.kill("front");
        crew.start_with("front", NORMALIZE);
        flow.finish();
    }
    crew.wait_ready();
    let log = crew.instance("front").log();
    assert!(
        !log.contains("tables loaded"),
        "the first stage looks no table up:\n{log}"
    );
    crew.stop("front");
    crew.stop("back");

    crew.start_all(&["whole"]);
    thirds.for_each(|third| pipeline.flow(third, over).finish());
    pipeline.finish(crew, &load, Duration::from_secs(90))
}
