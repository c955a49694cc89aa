//! The body: refused by what the head says of it, read up to a limit, and taken apart without changing a byte.

use super::answer::Refusal;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use serde::de::{Deserializer as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What the head says of the body: its length, where it says that.
///
/// # Errors
/// Where the body is not even to be read.
pub fn check(headers: &HeaderMap, most: usize) -> Result<Option<usize>, Refusal> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    if encodings
        .into_iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Refusal::Encoding);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(is_json) {
        return Err(Refusal::ContentType);
    }
    let Some(length) = headers.get(header::CONTENT_LENGTH) else {
        return Ok(None);
    };
    // one that is no number was refused before, as no HTTP
    let length = length.to_str().ok().and_then(|length| length.parse::<u64>().ok());
    match length.and_then(|length| usize::try_from(length).ok()) {
        Some(length) if length <= most => Ok(Some(length)),
        _ => Err(Refusal::TooLarge),
    }
}

/// `application/json` and what is built on it, as `application/cloudevents+json`, in UTF-8.
fn is_json(kind: &str) -> bool {
    let mut parts = kind.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let right = essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"));
    right
        && parts.all(|part| match part.split_once('=') {
            Some(("charset", charset)) => matches!(charset.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"),
            _ => true,
        })
}

/// Reads the body, and not a byte more than may be.
///
/// # Errors
/// Where it is too large or ends too early.
pub async fn read(body: Body, length: Option<usize>, most: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::with_capacity(length.unwrap_or_default());
    let mut stream = body.into_data_stream();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Refusal::Broken)?;
        if bytes.len() + chunk.len() > most {
            return Err(Refusal::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether a body is one event, or none at all: it begins as an object.
pub fn is_single(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

/// A part of a request, with its bytes as they came.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'b> {
    Event(&'b [u8]),
    /// What can never be an event, and why.
    Wrong(&'b [u8], Cow<'static, str>),
}

/// The events of a body that is not a single one: the elements of a list.
///
/// # Errors
/// More than `most`.
pub fn parts(body: &[u8], most: usize) -> Result<Vec<Part<'_>>, Refusal> {
    let wrong = |why: Cow<'static, str>| Ok(vec![Part::Wrong(body, why)]);
    let Ok(text) = str::from_utf8(body) else {
        return wrong(Cow::Borrowed("this is not UTF-8"));
    };
    let whole = |read: Result<(), serde_json::Error>| read.err().map(|error| Cow::Owned(error.to_string()));
    match text.trim_ascii_start().bytes().next() {
        Some(b'[') => {
            let mut json = serde_json::Deserializer::from_str(text);
            let mut elements = Elements {
                most,
                found: Vec::new(),
                more: false,
            };
            let read = json.deserialize_seq(&mut elements).and_then(|()| json.end());
            match whole(read) {
                _ if elements.more => Err(Refusal::TooMany),
                None => Ok(elements.found),
                Some(why) => wrong(why),
            }
        }
        _ => wrong(Cow::Borrowed(NO_EVENT)),
    }
}

const NO_EVENT: &str = "an event is a JSON object, and this is none";

/// Gathers the elements of a list, up to so many: a list of nothings would take more memory than its text.
struct Elements<'b> {
    most: usize,
    found: Vec<Part<'b>>,
    more: bool,
}

impl<'b> Visitor<'b> for &mut Elements<'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<&'b RawValue>()? {
            if self.found.len() == self.most {
                self.more = true;
                return Ok(());
            }
            let bytes = element.get().as_bytes();
            self.found.push(if bytes.starts_with(b"{") {
                Part::Event(bytes)
            } else {
                Part::Wrong(bytes, Cow::Borrowed(NO_EVENT))
            });
        }
        Ok(())
    }
}
