//! The headers of W3C Trace Context, `traceparent` and `tracestate`, read and written.
//!
//! What a header has that is no `traceparent` is as if there were none: that is what the specification says, and a pipeline must not
//! fail by somebody's trace.

use uuid::Uuid;

pub const TRACEPARENT: &str = "traceparent";
pub const TRACESTATE: &str = "tracestate";

/// Of a `traceparent` as it is written here, in bytes.
pub const LENGTH: usize = 55;
/// Of a `tracestate` that is passed on, in bytes; its last members give way.
const STATE: usize = 512;
/// The flags that are known: sampled, and that the trace's id is random. Others are not passed on under our own name.
const KNOWN: u8 = 0b11;
const SAMPLED: u8 = 0b01;

/// A span of a trace, as its children name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    flags: u8,
}

impl Parent {
    /// `None`: it is no `traceparent` of this version, nor the beginning of one of a later version.
    pub fn read(text: &[u8]) -> Option<Self> {
        let (known, rest) = text.split_at_checked(LENGTH)?;
        let mut fields = known.split(|byte| *byte == b'-');
        let [version] = bytes(fields.next()?)?;
        let trace: [u8; 16] = bytes(fields.next()?)?;
        let span: [u8; 8] = bytes(fields.next()?)?;
        let [flags] = bytes(fields.next()?)?;
        let ends = match version {
            0xff => false,
            0 => rest.is_empty(),
            _ => rest.first().is_none_or(|byte| *byte == b'-'),
        };
        let is_valid = ends && fields.next().is_none() && trace != [0; 16] && span != [0; 8];
        is_valid.then_some(Self {
            trace,
            span,
            flags: flags & KNOWN,
        })
    }

    /// Whether its spans are to be recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// The span of a record that a consumer group read, below this one. A record that is read again is the same span again.
    pub fn child(&self, group: &str, topic: &str, partition: i32, offset: i64) -> Self {
        let mut name = Vec::with_capacity(32 + group.len() + topic.len());
        name.extend_from_slice(&self.span);
        // neither name of Kafka's has a zero byte in it
        for part in [group, topic] {
            name.extend_from_slice(part.as_bytes());
            name.push(0);
        }
        name.extend_from_slice(&partition.to_be_bytes());
        name.extend_from_slice(&offset.to_be_bytes());
        // The second half has more of chance in it, and its first bit is always set: it is never the id that is none.
        let id = Uuid::new_v5(&Uuid::from_bytes(self.trace), &name);
        let (_, span) = id.as_u64_pair();
        Self {
            span: span.to_be_bytes(),
            ..*self
        }
    }

    /// As a header, of version 00.
    pub fn write(&self) -> [u8; LENGTH] {
        let mut text = [b'-'; LENGTH];
        let mut at = 0;
        for field in [&[0][..], &self.trace, &self.span, &[self.flags]] {
            for byte in field {
                for digit in [byte >> 4, byte & 0xf] {
                    if let Some(place) = text.get_mut(at) {
                        *place = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
                    }
                    at += 1;
                }
            }
            at += 1;
        }
        text
    }
}

/// Digits of 16, in lower case, as many bytes as there must be.
fn bytes<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    let (pairs, []) = text.as_chunks::<2>() else {
        return None;
    };
    if pairs.len() != N {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// What of a `tracestate` is passed on. `None`: nothing.
pub fn state(text: &[u8]) -> Option<&[u8]> {
    let whole = match text.get(..=STATE) {
        None => text,
        Some(most) => most.get(..most.iter().rposition(|byte| *byte == b',')?)?,
    };
    let is_text = whole.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    (is_text && !whole.trim_ascii().is_empty()).then_some(whole)
}

/// What the headers of a record or a message say of its trace. The last one of a name counts, as for any client of Kafka.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context<'h> {
    pub parent: Parent,
    /// As it came.
    pub traceparent: &'h [u8],
    pub tracestate: Option<&'h [u8]>,
}

impl<'h> Context<'h> {
    /// `None`: there is no `traceparent`, or one that is none.
    pub fn of<H>(headers: H) -> Option<Self>
    where
        H: DoubleEndedIterator<Item = (&'h str, Option<&'h [u8]>)> + Clone,
    {
        let last = |name: &str| headers.clone().rfind(|(other, _)| *other == name)?.1;
        let traceparent = last(TRACEPARENT)?;
        Some(Self {
            parent: Parent::read(traceparent)?,
            traceparent,
            tracestate: last(TRACESTATE).and_then(state),
        })
    }
}

#[cfg(test)]
mod tests;
