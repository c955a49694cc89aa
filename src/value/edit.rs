//! Changed copies of a value. They share whatever did not change.

use super::{Member, SecretNames, Value};
use bumpalo::Bump;

impl<'a> Value<'a> {
    /// The value without secrets of these names, at any depth ([`SecretNames::withhold`]).
    #[must_use]
    pub fn without(self, names: &SecretNames, arena: &'a Bump) -> Value<'a> {
        if names.is_empty() {
            self
        } else {
            self.stripped(names, arena).unwrap_or(self)
        }
    }

    /// `None`: nothing to take away.
    fn stripped(self, names: &SecretNames, arena: &'a Bump) -> Option<Value<'a>> {
        match self {
            Value::Object(members) => {
                // what comes before the first change is shared or copied as it is
                let (index, first) = members.iter().enumerate().find_map(|(index, (name, value))| {
                    if names.withhold(name, members) {
                        return Some((index, None));
                    }
                    value.stripped(names, arena).map(|value| (index, Some((*name, value))))
                })?;
                let rest = members.get(index + 1..).unwrap_or_default().iter();
                let rest = rest.filter(|(name, _)| !names.withhold(name, members));
                let mut kept = bumpalo::collections::Vec::with_capacity_in(members.len(), arena);
                kept.extend_from_slice(members.get(..index).unwrap_or_default());
                kept.extend(first);
                kept.extend(rest.map(|(name, value)| (*name, value.stripped(names, arena).unwrap_or(*value))));
                Some(Value::Object(kept.into_bump_slice()))
            }
            Value::Array(elements) => {
                let (index, first) = elements
                    .iter()
                    .enumerate()
                    .find_map(|(index, value)| value.stripped(names, arena).map(|value| (index, value)))?;
                let changed = arena.alloc_slice_copy(elements);
                for (position, element) in changed.iter_mut().enumerate().skip(index) {
                    *element = if position == index {
                        first
                    } else {
                        element.stripped(names, arena).unwrap_or(*element)
                    };
                }
                Some(Value::Array(changed))
            }
            _ => None,
        }
    }

    /// The value with `member` at `path`, in place of what is there; objects that are missing on the way are made.
    ///
    /// # Errors
    /// The type of what stands on the way and is no object.
    pub fn with(self, path: &[&'a str], member: Value<'a>, arena: &'a Bump) -> Result<Value<'a>, &'static str> {
        let Some((name, rest)) = path.split_first() else {
            return Ok(member);
        };
        let Value::Object(members) = self else {
            return Err(self.type_name());
        };
        let position = members.iter().position(|(n, _)| n == name);
        let old = position
            .and_then(|position| members.get(position))
            .map_or(Value::Object(&[]), |(_, value)| *value);
        let new: Member<'a> = (*name, old.with(rest, member, arena)?);
        let mut changed = bumpalo::collections::Vec::with_capacity_in(members.len() + 1, arena);
        changed.extend_from_slice(members);
        match position {
            Some(position) => {
                if let Some(slot) = changed.get_mut(position) {
                    *slot = new;
                }
            }
            // where it belongs among sorted names, so that the writer need not sort
            None => changed.insert(members.iter().position(|(n, _)| n > name).unwrap_or(members.len()), new),
        }
        Ok(Value::Object(changed.into_bump_slice()))
    }

    /// The value without the member at `path`; itself where there is none.
    #[must_use]
    pub fn without_path<T: AsRef<str>>(self, path: &[T], arena: &'a Bump) -> Value<'a> {
        let (Some((name, rest)), Value::Object(members)) = (path.split_first(), self) else {
            return self;
        };
        let name = name.as_ref();
        if !members.iter().any(|(n, _)| *n == name) {
            return self;
        }
        let mut changed = bumpalo::collections::Vec::with_capacity_in(members.len(), arena);
        for (n, value) in members {
            if *n != name {
                changed.push((*n, *value));
            } else if !rest.is_empty() {
                changed.push((*n, value.without_path(rest, arena)));
            }
        }
        Value::Object(changed.into_bump_slice())
    }

    /// A copy in another arena, borrowing nothing of this one.
    pub fn copied_into<'b>(self, arena: &'b Bump) -> Value<'b> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(flag) => Value::Bool(flag),
            Value::Number(text) => Value::Number(arena.alloc_str(text)),
            Value::String(text) => Value::String(arena.alloc_str(text)),
            Value::Array(elements) => {
                Value::Array(arena.alloc_slice_fill_iter(elements.iter().map(|element| element.copied_into(arena))))
            }
            Value::Object(members) => {
                let copied = members
                    .iter()
                    .map(|(name, value)| (&*arena.alloc_str(name), value.copied_into(arena)));
                Value::Object(arena.alloc_slice_fill_iter(copied))
            }
        }
    }
}
