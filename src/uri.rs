//! Percent-encoding. Keeps: what is encoded can't leave its part of a URI, and decodes to itself.

/// A text as one part of a URI: a segment of a path, a name or a value of a query. Only RFC 3986's unreserved characters stay.
pub fn part(text: &str) -> impl Iterator<Item = char> {
    encoded(text, b"-._~")
}

/// As [`part`], but slashes stay, too.
pub fn path(text: &str) -> impl Iterator<Item = char> {
    encoded(text, b"-._~/")
}

fn encoded(text: &str, kept: &'static [u8]) -> impl Iterator<Item = char> {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).map(|digit| digit.to_ascii_uppercase());
    text.bytes().flat_map(move |byte| {
        let characters = if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            [Some(char::from(byte)), None, None]
        } else {
            [Some('%'), digit(byte >> 4), digit(byte & 15)]
        };
        characters.into_iter().flatten()
    })
}

/// The text that was encoded. `None`: a code is cut off or none, or it is not UTF-8.
pub fn decoded(uri: &str) -> Option<String> {
    let mut bytes = uri.bytes();
    let mut text = Vec::with_capacity(uri.len());
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digit(bytes.next()?)? << 4 | digit(bytes.next()?)?
            }
            byte => byte,
        });
    }
    String::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unreserved_characters_stay_and_slashes_in_a_path() {
        let text = "aZ09-._~/?#%é\n";
        assert_eq!(part(text).collect::<String>(), "aZ09-._~%2F%3F%23%25%C3%A9%0A");
        assert_eq!(path(text).collect::<String>(), "aZ09-._~/%3F%23%25%C3%A9%0A");
    }

    #[test]
    fn what_was_encoded_decodes_to_itself_and_what_is_no_code_to_nothing() {
        let text = "a/b c%é";
        assert_eq!(decoded(&part(text).collect::<String>()).as_deref(), Some(text));
        assert_eq!(decoded(&path(text).collect::<String>()).as_deref(), Some(text));
        for wrong in ["%", "%4", "%g0", "%FF"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }
}
