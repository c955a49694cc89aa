//! Schemas in files, each beside those that it refers to.

use super::AvroSchema;
use super::error::{SchemaError, error};
use super::node::simple;
use serde_json::Value as Json;
use std::path::Path;

pub(super) fn load(folder: &Path, name: &str) -> Result<AvroSchema, SchemaError> {
    let path = folder.join(name);
    let json = match read(&path) {
        Ok(Some(json)) => json,
        Ok(None) => return error(format!("can't read the schema `{name}`: there is no such file")),
        Err(why) => return error(format!("can't read the schema `{name}`: {why}")),
    };
    let beside = path.parent().unwrap_or(folder);
    let mut find = |full: &str| {
        // a name from a schema becomes a file's name, and must not lead elsewhere
        if !full.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.') {
            return Ok(None);
        }
        let files = [format!("{full}.avsc"), format!("{}.avsc", simple(full))];
        for file in &files {
            match read(&beside.join(file)) {
                Ok(Some(json)) => return Ok(Some(json)),
                Ok(None) => {}
                Err(why) => return error(format!("can't read `{file}`: {why}")),
            }
        }
        let [long, short] = files;
        let neither = if long == short {
            format!("there is no `{long}`")
        } else {
            format!("there is neither `{long}` nor `{short}`")
        };
        let full = super::failure::name(full);
        error(format!(
            "the type `{full}` is not defined, and {neither} beside the schema"
        ))
    };
    AvroSchema::compiled(&json, &[], &mut find).map_err(|why| SchemaError(format!("schema `{name}`: {why}")))
}

fn read(path: &Path) -> Result<Option<Json>, String> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|error| format!("it is not JSON: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
