//! What the sender of a message says of its trace, as headers of the record: named as every client of Kafka looks for them.
//!
//! What is no `traceparent` is left out, so that nobody has to read it again.

use super::outlet::MessageHeader;
use crate::observe::traces::{Context, TRACEPARENT, TRACESTATE};
use axum::http::HeaderMap;
use std::borrow::Cow;

/// Of a message with these properties.
pub fn headers<'h, 'm, H>(properties: H) -> impl Iterator<Item = MessageHeader<'m>>
where
    H: DoubleEndedIterator<Item = (&'h str, Option<&'h [u8]>)> + Clone,
{
    let context = Context::of(properties);
    let header = |name, value: &[u8]| (Cow::Borrowed(name), Some(Cow::Owned(value.to_vec())));
    let parent = context.map(|context| header(TRACEPARENT, context.traceparent));
    let state = context.and_then(|context| context.tracestate);
    parent.into_iter().chain(state.map(|state| header(TRACESTATE, state)))
}

/// Of a request. One that names two parents has none; a state may come in parts.
pub fn of_request(head: &HeaderMap) -> Vec<MessageHeader<'static>> {
    let mut parents = head.get_all(TRACEPARENT).iter();
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return Vec::new();
    };
    let states: Vec<&[u8]> = head.get_all(TRACESTATE).iter().map(|state| state.as_bytes()).collect();
    let state = states.join(&b","[..]);
    let said = [(TRACEPARENT, parent.as_bytes()), (TRACESTATE, state.as_slice())];
    headers(said.into_iter().map(|(name, value)| (name, Some(value)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn made(lines: &[(&'static str, &'static str)]) -> Vec<(String, String)> {
        let mut head = HeaderMap::new();
        for (name, value) in lines {
            head.append(*name, HeaderValue::from_static(value));
        }
        let made = of_request(&head).into_iter();
        made.map(|(name, value)| {
            (
                name.into_owned(),
                String::from_utf8(value.unwrap().into_owned()).unwrap(),
            )
        })
        .collect()
    }

    #[test]
    fn a_requests_trace_becomes_headers_of_the_record() {
        assert_eq!(
            made(&[(TRACEPARENT, PARENT)]),
            [(TRACEPARENT.to_owned(), PARENT.to_owned())]
        );
        let all = [
            (TRACEPARENT, PARENT),
            (TRACESTATE, "a=1"),
            ("other", "x"),
            (TRACESTATE, "b=2"),
        ];
        let (parent, state) = (TRACEPARENT.to_owned(), TRACESTATE.to_owned());
        assert_eq!(made(&all), [(parent, PARENT.to_owned()), (state, "a=1,b=2".to_owned())]);
    }

    #[test]
    fn what_is_no_trace_is_left_out() {
        assert_eq!(made(&[(TRACESTATE, "a=1")]), []);
        assert_eq!(made(&[(TRACEPARENT, "00-x"), (TRACESTATE, "a=1")]), []);
        assert_eq!(made(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)]), []);
    }
}
