//! Which types go together.

use super::super::node::{Kind, Logical, Name, Node};
use super::{Read, Show, ShowFixed, Step};

/// Names without their namespaces, or the reader's aliases.
pub(super) fn same_name(writer: &Name, reader: &Name) -> bool {
    writer.simple() == reader.simple() || reader.aliases.contains(&writer.full)
}

/// The same type, and of the same full name where it has one.
pub(super) fn just_the_same(writer: &Node, reader: &Node) -> bool {
    let same = |writer: &Name, reader: &Name| writer.full == reader.full || reader.aliases.contains(&writer.full);
    same_kind(writer, reader) && both(writer, reader, same)
}

/// The same type, and of the same name but for its namespace where it has one.
pub(super) fn alike(writer: &Node, reader: &Node) -> bool {
    same_kind(writer, reader) && both(writer, reader, same_name)
}

pub(super) fn any(_: &Node, _: &Node) -> bool {
    true
}

fn both(writer: &Node, reader: &Node, same: impl Fn(&Name, &Name) -> bool) -> bool {
    match (writer.name(), reader.name()) {
        (Some(writer), Some(reader)) => same(writer, reader),
        _ => true,
    }
}

fn same_kind(writer: &Node, reader: &Node) -> bool {
    std::mem::discriminant(&writer.kind) == std::mem::discriminant(&reader.kind)
}

/// Why two types do not go together.
pub(super) fn mismatch(writer: &Node, reader: &Node) -> String {
    let (from, to) = (writer.described(), reader.described());
    match (writer.logical, reader.logical, &writer.kind, &reader.kind) {
        (Some(from), Some(to), ..) if !agree(from, to) => {
            format!("the writer's {} can't be read as {}", logical(from), logical(to))
        }
        (_, _, Kind::Fixed(_, from_size), Kind::Fixed(_, to_size)) if from_size != to_size => {
            format!("the writer's {from} has {from_size} bytes, and the reader's {to_size}")
        }
        _ => format!("the writer's {from} can't be read as {to}"),
    }
}

fn logical(logical: Logical) -> String {
    match logical {
        Logical::Date => "date".to_owned(),
        Logical::Time(unit) => format!("time in {}", unit.name()),
        Logical::Timestamp(unit) => format!("timestamp in {}", unit.name()),
        Logical::LocalTimestamp(unit) => format!("local timestamp in {}", unit.name()),
        Logical::Decimal { scale, .. } => format!("decimal of scale {scale}"),
        Logical::Uuid => "uuid".to_owned(),
        Logical::Duration => "duration".to_owned(),
        Logical::Json => "JSON".to_owned(),
    }
}

/// Avro's rules read one unit as another; here that would be another time, so it is none of them.
fn agree(writer: Logical, reader: Logical) -> bool {
    match (writer, reader) {
        (Logical::Decimal { scale: one, .. }, Logical::Decimal { scale: other, .. }) => one == other,
        (one, other) => one == other,
    }
}

/// The step from one type without parts to another.
pub(super) fn plain(writer: &Node, reader: &Node) -> Option<Step> {
    if let (Some(from), Some(to)) = (writer.logical, reader.logical)
        && !agree(from, to)
    {
        return None;
    }
    Some(match (&writer.kind, &reader.kind) {
        (Kind::Null, Kind::Null) => Step::Null,
        (Kind::Boolean, Kind::Boolean) => Step::Boolean,
        (Kind::String | Kind::Bytes, Kind::String) => match reader.logical {
            Some(Logical::Json) => Step::Json,
            Some(_) => Step::UuidText,
            None => Step::Text,
        },
        (from @ (Kind::String | Kind::Bytes), Kind::Bytes) => match (reader.logical, from) {
            (Some(Logical::Decimal { precision, scale }), Kind::Bytes) => Step::Decimal { precision, scale },
            (Some(_), _) => return None,
            (None, _) => Step::Characters,
        },
        (Kind::Fixed(from, size), Kind::Fixed(to, other)) if size == other && same_name(from, to) => {
            let show = match reader.logical {
                Some(Logical::Decimal { precision, scale }) => ShowFixed::Decimal { precision, scale },
                Some(Logical::Uuid) => ShowFixed::Uuid,
                Some(Logical::Duration) => ShowFixed::Duration,
                _ => ShowFixed::Characters,
            };
            Step::Fixed(*size, show)
        }
        (from, to) => {
            let read = match from {
                Kind::Int => Read::Int,
                Kind::Long => Read::Long,
                Kind::Float => Read::Float,
                Kind::Double => Read::Double,
                _ => return None,
            };
            let show = match (to, reader.logical) {
                (Kind::Int, _) if read != Read::Int => return None,
                (Kind::Long, _) if !matches!(read, Read::Int | Read::Long) => return None,
                (Kind::Int | Kind::Long, Some(logical)) => Show::Logical(logical),
                (Kind::Int | Kind::Long, None) => Show::Whole,
                (Kind::Float, _) if read == Read::Double => return None,
                (Kind::Float, _) => Show::Float,
                (Kind::Double, _) => Show::Double,
                _ => return None,
            };
            Step::Number(read, show)
        }
    })
}
