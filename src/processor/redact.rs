//! `redact`: takes members away by their names, at any depth, or puts a constant in their place.
//!
//! Names are compared and values beside them found as those of secrets are ([`SecretNames::withhold`]).

use super::{Context, Definition, Failure, Processor, Reading};
use crate::record::Record;
use crate::value::{Member, SecretNames, Value};
use crate::yaml::{self, Fields, Kind, Mistakes, Node};
use bumpalo::Bump;
use std::sync::Arc;

#[derive(Clone)]
struct Redact {
    names: Arc<SecretNames>,
    replacement: Option<Constant>,
}

#[derive(Clone)]
enum Constant {
    Null,
    Bool(bool),
    Number(Arc<str>),
    Text(Arc<str>),
}

/// Reads `{fields: [names], replace_with: constant}`.
pub(super) fn read(fields: &mut Fields<'_>, _: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let names = fields.required("fields", yaml::one_or_many(yaml::text));
    let asked = fields.find("replace_with");
    let replacement = asked.and_then(|node| constant(node, fields.mistakes));
    if asked.is_some() && replacement.is_none() {
        return None;
    }
    Some(Arc::new(Redact {
        names: Arc::new(SecretNames::new(names?)),
        replacement,
    }))
}

fn constant(node: &Node, mistakes: &mut Mistakes) -> Option<Constant> {
    match &node.kind {
        Kind::Null => Some(Constant::Null),
        Kind::Bool(flag) => Some(Constant::Bool(*flag)),
        Kind::Number(text) => Some(Constant::Number(Arc::from(text.as_str()))),
        Kind::String(text) if node.expression().is_none() => Some(Constant::Text(Arc::from(text.as_str()))),
        _ => {
            let message = format!("a constant is needed here, and this is {}", node.type_name());
            mistakes.add(
                &node.place,
                message,
                "write a text, a number, a boolean or null, or leave `replace_with` out",
            );
            None
        }
    }
}

impl Definition for Redact {
    fn type_name(&self) -> &'static str {
        "redact"
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Redact {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let arena = context.arena();
        let value = match &self.replacement {
            None => record.value.without(&self.names, arena),
            Some(constant) => {
                let constant = match constant {
                    Constant::Null => Value::Null,
                    Constant::Bool(flag) => Value::Bool(*flag),
                    Constant::Number(text) => Value::Number(arena.alloc_str(text)),
                    Constant::Text(text) => Value::String(arena.alloc_str(text)),
                };
                replaced(record.value, &self.names, constant, arena).unwrap_or(record.value)
            }
        };
        context.forward(Record { value, ..*record });
        Ok(())
    }
}

/// The value with `constant` for members of these names. `None`: there are none. The parser bounds the depth.
fn replaced<'a>(value: Value<'a>, names: &SecretNames, constant: Value<'a>, arena: &'a Bump) -> Option<Value<'a>> {
    match value {
        Value::Object(members) => {
            let new = |(name, value): &Member<'a>| match names.withhold(name, members) {
                true => Some(constant),
                false => replaced(*value, names, constant, arena),
            };
            let (first, value) = members
                .iter()
                .enumerate()
                .find_map(|(at, member)| Some((at, new(member)?)))?;
            let changed = arena.alloc_slice_copy(members);
            let mut rest = changed.iter_mut().skip(first);
            if let Some(member) = rest.next() {
                member.1 = value;
            }
            for member in rest {
                member.1 = new(member).unwrap_or(member.1);
            }
            Some(Value::Object(changed))
        }
        Value::Array(elements) => {
            let new = |value: &Value<'a>| replaced(*value, names, constant, arena);
            let (first, value) = elements
                .iter()
                .enumerate()
                .find_map(|(at, value)| Some((at, new(value)?)))?;
            let changed = arena.alloc_slice_copy(elements);
            let mut rest = changed.iter_mut().skip(first);
            if let Some(element) = rest.next() {
                *element = value;
            }
            for element in rest {
                *element = new(element).unwrap_or(*element);
            }
            Some(Value::Array(changed))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::processor::testing::{FakeContext, mistakes, processor, record};
    use bumpalo::Bump;

    fn redacted(yaml: &str, value: &str) -> String {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        processor(yaml)
            .process(record(value, &arena), &mut context)
            .expect("redacted");
        context.values().remove(0)
    }

    #[test]
    fn members_go_at_any_depth_whatever_their_case() {
        let yaml = "{type: redact, fields: [token, Pin]}";
        let value = r#"{"TOKEN":1,"a":[{"pin":"x","b":{"Token":{"c":1}}},"token"],"pins":2}"#;
        assert_eq!(redacted(yaml, value), r#"{"a":[{"b":{}},"token"],"pins":2}"#);
    }

    #[test]
    fn a_constant_takes_their_place() {
        let yaml = "{type: redact, fields: pin, replace_with: '***'}";
        let value = r#"{"a":[1,{"pin":{"x":1}},{"pin":2,"c":[{"PIN":3}]}],"b":{"pin":null},"z":[[]]}"#;
        let expected = r#"{"a":[1,{"pin":"***"},{"c":[{"PIN":"***"}],"pin":"***"}],"b":{"pin":"***"},"z":[[]]}"#;
        assert_eq!(redacted(yaml, value), expected);
        assert_eq!(
            redacted("{type: redact, fields: pin, replace_with: null}", r#"{"pin":1}"#),
            r#"{"pin":null}"#
        );
        assert_eq!(
            redacted("{type: redact, fields: pin, replace_with: 0}", r#"{"pin":1}"#),
            r#"{"pin":0}"#
        );
        assert_eq!(
            redacted("{type: redact, fields: pin, replace_with: false}", r#"{"pin":1}"#),
            r#"{"pin":false}"#
        );
    }

    #[test]
    fn so_does_the_value_beside_such_a_name() {
        let value = r#"[{"key":"PIN","value":1},{"key":"size","value":2}]"#;
        assert_eq!(
            redacted("{type: redact, fields: pin}", value),
            r#"[{"key":"PIN"},{"key":"size","value":2}]"#
        );
        assert_eq!(
            redacted("{type: redact, fields: pin, replace_with: '***'}", value),
            r#"[{"key":"PIN","value":"***"},{"key":"size","value":2}]"#
        );
    }

    #[test]
    fn a_value_without_such_members_stays_as_it_is() {
        for value in [r#"{"a":{"b":[1,2.50]}}"#, "null", "[]", "7"] {
            assert_eq!(redacted("{type: redact, fields: [x]}", value), value);
            assert_eq!(redacted("{type: redact, fields: [x], replace_with: 1}", value), value);
        }
    }

    #[test]
    fn what_is_wrong_is_refused() {
        assert!(mistakes("{type: redact}")[0].contains("`fields`"));
        assert!(mistakes("{type: redact, fields: [a], replace_with: {a: 1}}")[0].contains("a constant is needed"));
        assert!(mistakes("{type: redact, fields: [a], replace_wiht: x}")[0].contains("did you mean `replace_with`"));
    }
}
