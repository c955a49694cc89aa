//! Codecs in YAML: `codec: int32` is the value's, `codec: {key: string, value: int32}` says both.

use super::{Codec, Codecs, NAMES};
use crate::yaml::{Fields, Kind, Mistakes, Node, word};

/// The codecs of a topic.
pub fn read(node: &Node, mistakes: &mut Mistakes) -> Option<Codecs> {
    if !matches!(node.kind, Kind::Map(_)) {
        let value = read_value(node, mistakes)?;
        return Some(Codecs { key: None, value });
    }
    let mut fields = Fields::of("a codec", &node.place, node, mistakes)?;
    let key = fields.optional("key", word(&NAMES));
    let value = fields.optional("value", word(&NAMES));
    let right = node.get("key").is_some() == key.is_some() && node.get("value").is_some() == value.is_some();
    fields.finish();
    right.then_some(Codecs {
        key,
        value: value.unwrap_or_default(),
    })
}

/// The codec of a value, where keys have none.
pub fn read_value(node: &Node, mistakes: &mut Mistakes) -> Option<Codec> {
    word(&NAMES)(node, mistakes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::read_text;

    fn read_one(text: &str) -> Result<Codecs, String> {
        let node = read_text(text, "topology.yaml").unwrap();
        let mut mistakes = Mistakes::new();
        let read = read(&node, &mut mistakes);
        mistakes.or(read).map_err(|mistakes| mistakes[0].to_string())
    }

    #[test]
    fn a_word_is_the_values_codec_and_a_map_says_both() {
        let of = |key, value| Ok(Codecs { key, value });
        assert_eq!(read_one("int64"), of(None, Codec::Int64));
        assert_eq!(
            read_one("{key: string, value: int32}"),
            of(Some(Codec::String), Codec::Int32)
        );
        assert_eq!(read_one("{key: raw}"), of(Some(Codec::Raw), Codec::Json));
        assert!(read_one("int23").unwrap_err().contains("did you mean `int32`?"));
        assert!(read_one("{key: int23}").unwrap_err().contains("did you mean `int32`?"));
        assert!(read_one("{kye: int32}").unwrap_err().contains("did you mean `key`?"));
    }
}
