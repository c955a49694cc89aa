//! What is shown to the library. It does not know the defaults of all logical types, so it sees none.

use serde_json::Value as Json;

/// A schema as `apache-avro` is to see it: without the defaults of fields.
pub(super) fn without_defaults(json: &Json) -> Json {
    match json {
        Json::Array(branches) => branches.iter().map(without_defaults).collect(),
        Json::Object(object) => {
            let part = |(key, part): (&String, &Json)| {
                let part = match (key.as_str(), part) {
                    ("type" | "items" | "values", part) => without_defaults(part),
                    ("fields", Json::Array(fields)) => fields.iter().map(without_default).collect(),
                    (_, part) => part.clone(),
                };
                (key.clone(), part)
            };
            Json::Object(object.iter().map(part).collect())
        }
        other => other.clone(),
    }
}

fn without_default(field: &Json) -> Json {
    let mut field = without_defaults(field);
    if let Json::Object(field) = &mut field {
        field.shift_remove("default");
    }
    field
}
