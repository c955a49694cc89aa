//! What a new schema breaks, in our words: a registry's own often name no more than a path.

use crate::registry::{Declared, Language, Level, Version};
use crate::schema::avro::{AvroSchema, Decoder};

/// Of Avro schemas that need no others; of all else the registry's words have to do.
pub(super) fn breaks(level: Level, latest: &Version, new: &Declared) -> Vec<String> {
    let parsed = |schema: &Declared| match schema.language {
        Language::Avro => AvroSchema::parse(&schema.text, &[]).ok(),
        Language::Json | Language::Protobuf => None,
    };
    let (Some(old), Some(new)) = (parsed(&latest.schema), parsed(new)) else {
        return Vec::new();
    };
    let version = latest.version;
    let mut words = Vec::new();
    if level.is_backward()
        && let Err(why) = Decoder::new(&old, &new)
    {
        words.push(format!(
            "readers with the new schema can't read what was written with version {version}: {why}"
        ));
    }
    if level.is_forward()
        && let Err(why) = Decoder::new(&new, &old)
    {
        words.push(format!(
            "readers with version {version} can't read what is written with the new schema: {why}"
        ));
    }
    words
}
