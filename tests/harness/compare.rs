//! Multisets compared: what is missing, what is too much, how often.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

const SHOWN: usize = 12;

/// Of all comparisons of this process.
static LOST: AtomicUsize = AtomicUsize::new(0);
static DOUBLED: AtomicUsize = AtomicUsize::new(0);
static UNEXPECTED: AtomicUsize = AtomicUsize::new(0);

/// What all comparisons of this process found lost, doubled, and there without being expected at all.
pub fn found() -> (usize, usize, usize) {
    let read = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
    (read(&LOST), read(&DOUBLED), read(&UNEXPECTED))
}

/// Panics unless both hold the same things equally often, whatever their order.
pub fn assert_same_multiset<T: Ord + Debug>(
    what: &str,
    expected: impl IntoIterator<Item = T>,
    actual: impl IntoIterator<Item = T>,
) {
    let mut balance: BTreeMap<T, (usize, usize)> = BTreeMap::new();
    let (mut expected_total, mut actual_total) = (0usize, 0usize);
    for item in expected {
        balance.entry(item).or_default().0 += 1;
        expected_total += 1;
    }
    for item in actual {
        balance.entry(item).or_default().1 += 1;
        actual_total += 1;
    }
    let missing: Vec<_> = balance.iter().filter(|(_, (wanted, got))| got < wanted).collect();
    let extra: Vec<_> = balance.iter().filter(|(_, (wanted, got))| got > wanted).collect();
    if missing.is_empty() && extra.is_empty() {
        return;
    }
    let more = |(_, (wanted, got)): &(&T, &(usize, usize))| got - wanted;
    let (again, strange): (Vec<_>, Vec<_>) = extra.iter().copied().partition(|(_, (wanted, _))| *wanted > 0);
    LOST.fetch_add(
        missing.iter().map(|(_, (wanted, got))| wanted - got).sum(),
        Ordering::Relaxed,
    );
    DOUBLED.fetch_add(again.iter().map(more).sum(), Ordering::Relaxed);
    UNEXPECTED.fetch_add(strange.iter().map(more).sum(), Ordering::Relaxed);
    let doubled = again.len();
    let list = |title: &str, items: &[(&T, &(usize, usize))]| {
        let mut text = format!("{title}: {} different\n", items.len());
        for (item, (wanted, got)) in items.iter().take(SHOWN) {
            text.push_str(&format!("    {got} instead of {wanted} times: {item:?}\n"));
        }
        if items.len() > SHOWN {
            text.push_str(&format!("    … and {} more\n", items.len() - SHOWN));
        }
        text
    };
    panic!(
        "{what}: {actual_total} records, {expected_total} expected\n  {}  {}  (of these, {doubled} expected but too often)",
        list("missing", &missing),
        list("unexpected", &extra),
    );
}

#[test]
fn the_same_things_in_another_order_are_the_same() {
    assert_same_multiset("letters", ["a", "b", "a"], ["a", "a", "b"]);
}

#[test]
#[should_panic(expected = "2 instead of 1 times: \"b\"")]
fn a_doubled_thing_is_named_with_its_counts() {
    assert_same_multiset("letters", ["a", "b"], ["a", "b", "b"]);
}
