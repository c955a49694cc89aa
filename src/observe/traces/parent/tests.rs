//! The cases of the specification, and whatever else may come.

use super::*;
use proptest::prelude::*;

const TEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn read(text: &str) -> Option<Parent> {
    Parent::read(text.as_bytes())
}

fn written(parent: &Parent) -> String {
    String::from_utf8(parent.write().to_vec()).unwrap()
}

#[test]
fn what_is_read_is_written_again() {
    let parent = read(TEXT).unwrap();
    assert!(parent.is_sampled());
    assert_eq!(written(&parent), TEXT);
    let unsampled = TEXT.replace("b7-01", "b7-00");
    assert!(!read(&unsampled).unwrap().is_sampled());
    assert_eq!(written(&read(&unsampled).unwrap()), unsampled);
}

#[test]
fn what_is_no_traceparent_is_as_if_there_were_none() {
    for wrong in [
        "",
        "00",
        "00-",
        // a version, an id or a parent that is none
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        // in upper case, and no digits
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01",
        "0X-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473.-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0.",
        // too short, too long, divided otherwise
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-00",
        "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
        " 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what",
    ] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
}

#[test]
fn of_a_later_version_the_beginning_is_known_and_ours_is_version_0() {
    for later in [
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-brings",
    ] {
        assert_eq!(written(&read(later).unwrap()), TEXT, "{later}");
    }
}

#[test]
fn flags_that_nobody_knows_are_not_passed_on() {
    for (flags, kept) in [("ff", "03"), ("fe", "02"), ("03", "03"), ("80", "00")] {
        let parent = read(&TEXT.replace("b7-01", &format!("b7-{flags}"))).unwrap();
        assert_eq!(&written(&parent)[53..], kept, "{flags}");
    }
}

#[test]
fn a_record_has_one_span_however_often_it_is_read_and_others_have_others() {
    let parent = read(TEXT).unwrap();
    let child = parent.child("shop", "orders", 3, 42);
    assert_eq!(child, parent.child("shop", "orders", 3, 42));
    assert_eq!((child.trace, child.flags), (parent.trace, parent.flags));
    let other = Parent { span: [7; 8], ..parent };
    let others = [
        parent,
        parent.child("shop", "orders", 3, 43),
        parent.child("shop", "orders", 4, 42),
        parent.child("shop", "order", 3, 42),
        parent.child("shops", "orders", 3, 42),
        parent.child("shopo", "rders", 3, 42),
        other.child("shop", "orders", 3, 42),
    ];
    assert!(others.iter().all(|other| other.span != child.span));
    // Of every version of the program: what a transaction gave away before an update must be what it gives after it.
    assert_eq!(
        written(&child),
        "00-4bf92f3577b34da6a3ce929d0e0e4736-a190ed35f3b846b9-01"
    );
}

#[test]
fn the_last_header_of_a_name_counts() {
    let later = TEXT.replace("4bf9", "ffff");
    let headers = [
        (TRACEPARENT, Some(TEXT.as_bytes())),
        (TRACESTATE, Some(&b"a=1"[..])),
        ("other", Some(&b"x"[..])),
        (TRACEPARENT, Some(later.as_bytes())),
    ];
    let context = Context::of(headers.iter().copied()).unwrap();
    assert_eq!(context.traceparent, later.as_bytes());
    assert_eq!(context.tracestate, Some(&b"a=1"[..]));
    let none = [(TRACEPARENT, None), (TRACESTATE, Some(&b"a=1"[..]))];
    for headers in [&none[..], &none[1..], &[("Traceparent", Some(TEXT.as_bytes()))]] {
        assert_eq!(Context::of(headers.iter().copied()), None);
    }
}

#[test]
fn a_tracestate_is_passed_on_as_it_is_and_a_long_one_without_its_last_members() {
    for whole in ["a=1", " a=1 ,\tb=2", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"] {
        assert_eq!(state(whole.as_bytes()), Some(whole.as_bytes()));
    }
    for nothing in [&b""[..], b"  ", b"a=\xff", b"a=1\r\nx: y", &[b'a'; 513]] {
        assert_eq!(state(nothing), None);
    }
    let long = ["0123456789=0123456789"; 30].join(",");
    let kept = state(long.as_bytes()).unwrap();
    assert_eq!(kept, ["0123456789=0123456789"; 23].join(",").as_bytes());
    assert_eq!(state(&[b'a'; 512]), Some(&[b'a'; 512][..]));
    let members = format!("{},b", "a".repeat(511));
    assert_eq!(state(members.as_bytes()).map(<[u8]>::len), Some(511));
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_is_none(text in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Parent::read(&text);
        prop_assert!(state(&text).is_none_or(|kept| text.starts_with(kept)));
    }

    #[test]
    fn one_that_is_near_a_right_one_is_read_only_if_it_is_right(at in 0..LENGTH, byte in any::<u8>()) {
        let mut text = TEXT.as_bytes().to_vec();
        text[at] = byte;
        let is_right = match at {
            2 | 35 | 52 => byte == b'-',
            0 | 1 => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        };
        prop_assert_eq!(Parent::read(&text).is_some(), is_right);
    }

    #[test]
    fn every_parent_is_read_as_it_was_written(trace in 1..u128::MAX, span in 1..u64::MAX, flags in 0..4u8) {
        let parent = Parent { trace: trace.to_be_bytes(), span: span.to_be_bytes(), flags };
        prop_assert_eq!(Parent::read(&parent.write()), Some(parent));
        let child = parent.child("group", "topic", 0, 0);
        prop_assert_eq!(Parent::read(&child.write()), Some(child));
    }
}
