//! `asyncapi`: what a topology's AsyncAPI document says of itself.

use crate::yaml::{Fields, Mistakes, Node, map_of, scalar_text, text};

/// The head of a topology's AsyncAPI document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiInfo {
    pub title: String,
    pub version: String,
    pub description: Option<String>,
    pub correlation_id: Option<CorrelationId>,
    /// The names of operations, by the sink or source whose they are.
    pub operations: Vec<(String, String)>,
}

/// Where what is sent says what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId {
    /// A runtime expression of AsyncAPI: `$message.payload#/detail/id`.
    pub location: String,
    pub description: Option<String>,
}

impl ApiInfo {
    /// Of a topology that says nothing of it.
    pub fn of(application: &str) -> Self {
        Self {
            title: application.to_owned(),
            version: "1.0.0".to_owned(),
            description: None,
            correlation_id: None,
            operations: Vec::new(),
        }
    }

    /// The name of an operation of a sink or source.
    pub fn operation(&self, action: &str, name: &str) -> String {
        let named = self.operations.iter().find(|(of, _)| of == name);
        named.map_or_else(|| format!("{action}-{name}"), |(_, operation)| operation.clone())
    }
}

pub(super) fn read(node: &Node, mistakes: &mut Mistakes) -> Option<ApiInfo> {
    let mut fields = Fields::of("asyncapi", &node.place, node, mistakes)?;
    let title = fields.required("title", text);
    let version = fields.required("version", scalar_text);
    let description = fields.optional("description", text);
    let correlation_id = fields.optional("correlation_id", correlation_id);
    let operations = fields.optional("operations", map_of(text)).unwrap_or_default();
    fields.finish();
    Some(ApiInfo {
        title: title?,
        version: version?,
        description,
        correlation_id,
        operations: operations
            .into_iter()
            .map(|(key, name)| (key.text.clone(), name))
            .collect(),
    })
}

fn correlation_id(node: &Node, mistakes: &mut Mistakes) -> Option<CorrelationId> {
    let mut fields = Fields::of("a correlation id", &node.place, node, mistakes)?;
    let location = fields.required("location", |node, mistakes| {
        let location = text(node, mistakes)?;
        let rest = location.strip_prefix("$message.").unwrap_or_default();
        if ["payload#/", "header#/"].iter().any(|part| rest.starts_with(part)) {
            return Some(location);
        }
        let help = "write it as AsyncAPI does: $message.payload#/detail/id, or $message.header#/name";
        mistakes.add(&node.place, "this names no place in a message", help);
        None
    });
    let description = fields.optional("description", text);
    fields.finish();
    Some(CorrelationId {
        location: location?,
        description,
    })
}
