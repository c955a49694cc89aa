//! Names of members that never leave.
//!
//! A secret may also stand under another name and be named beside it: of `{key: bearerToken, value: …}`, and the same with
//! `name`, the `value` never leaves.

use super::{Member, Value};

/// Names compared without regard to case.
///
/// Invariant: `lower` holds lower-case names, and `lengths` has the bit of the length of each one, so that nearly every
/// other name is told apart by its length alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretNames {
    lower: Vec<String>,
    lengths: u64,
}

impl SecretNames {
    pub fn new<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> SecretNames {
        let mut lower: Vec<String> = names.into_iter().map(|name| name.as_ref().to_lowercase()).collect();
        lower.sort_unstable();
        lower.dedup();
        let lengths = lower.iter().fold(0, |bits, name| bits | length_bit(name));
        SecretNames { lower, lengths }
    }

    pub fn is_empty(&self) -> bool {
        self.lower.is_empty()
    }

    /// In lower case, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.lower.iter().map(String::as_str)
    }

    /// These names and more.
    pub fn with<T: AsRef<str>>(&self, names: impl IntoIterator<Item = T>) -> SecretNames {
        let mut all = self.lower.clone();
        all.extend(names.into_iter().map(|name| name.as_ref().to_owned()));
        SecretNames::new(all)
    }

    /// These names but for some.
    pub fn except<T: AsRef<str>>(&self, names: impl IntoIterator<Item = T>) -> SecretNames {
        let kept = SecretNames::new(names);
        SecretNames::new(self.lower.iter().filter(|name| !kept.contains(name)))
    }

    #[inline]
    pub fn contains(&self, name: &str) -> bool {
        if self.lengths & length_bit(name) == 0 && name.is_ascii() {
            return false;
        }
        self.is_one(name)
    }

    /// Whether a member stays behind: for its own name, or as the `value` of a secret that another of `members`, its
    /// object's, names.
    #[inline]
    pub fn withhold(&self, name: &str, members: &[Member<'_>]) -> bool {
        self.contains(name) || (name.eq_ignore_ascii_case("value") && self.is_named_among(members))
    }

    fn is_named_among(&self, members: &[Member<'_>]) -> bool {
        let names = |name: &str| name.eq_ignore_ascii_case("key") || name.eq_ignore_ascii_case("name");
        members
            .iter()
            .any(|(name, value)| matches!(value, Value::String(text) if names(name) && self.contains(text)))
    }

    fn is_one(&self, name: &str) -> bool {
        if name.is_ascii() {
            return self.lower.iter().any(|secret| secret.eq_ignore_ascii_case(name));
        }
        self.lower
            .iter()
            .any(|secret| name.chars().flat_map(char::to_lowercase).eq(secret.chars()))
    }
}

#[inline(always)]
fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let secrets = SecretNames::new(["bearerToken", "Größe"]);
        for name in [
            "bearerToken",
            "BEARERTOKEN",
            "bearertoken",
            "beare\u{72}To\u{212A}en",
            "GRÖßE",
            "größe",
        ] {
            assert!(secrets.contains(name), "{name}");
        }
        for name in ["", "bearerToke", "bearerTokens", "bearer_oken", "Grosse"] {
            assert!(!secrets.contains(name), "{name}");
        }
    }

    #[test]
    fn no_names_contain_nothing() {
        assert!(SecretNames::default().is_empty());
        assert!(!SecretNames::default().contains(""));
    }

    #[test]
    fn the_value_beside_the_name_of_a_secret_is_withheld_and_no_other() {
        let secrets = SecretNames::new(["bearerToken"]);
        let withheld = |name: &str, beside: &[Member<'_>]| secrets.withhold(name, beside);
        for name in ["key", "name", "Key", "NAME"] {
            let member = (name, Value::String("BEARERTOKEN"));
            assert!(withheld("value", &[member]) && withheld("Value", &[("a", Value::Null), member]));
            assert!(!withheld(name, &[member]) && !withheld("values", &[member]) && !withheld("", &[member]));
        }
        for member in [
            ("type", Value::String("bearerToken")),
            ("key", Value::String("shoeSize")),
            ("key", Value::Array(&[Value::String("bearerToken")])),
        ] {
            assert!(!withheld("value", &[member]), "{member:?}");
        }
        assert!(
            withheld("bearertoken", &[]) && !SecretNames::default().withhold("value", &[("key", Value::String(""))])
        );
    }

    #[test]
    fn very_long_names_are_compared_too() {
        let long = "n".repeat(200);
        assert!(SecretNames::new([&long]).contains(&long.to_uppercase()));
        assert!(!SecretNames::new([&long]).contains(&"n".repeat(199)));
    }

    #[test]
    fn excepted_names_are_no_longer_secret() {
        let secrets = SecretNames::new(["a", "B", "c"]).except(["b", "C"]);
        assert!(secrets.contains("A") && !secrets.contains("b") && !secrets.contains("c"));
    }
}
