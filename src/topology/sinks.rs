//! Sinks, as they are read: their topic's template, the parameters in it, and the condition.

use super::draft::SinkDraft;
use super::expressions::{expression, expression_or_text, without_secrets};
use super::formats::{self, Use};
use super::names::{self, TOPIC_HELP};
use super::parts::Parts;
use super::{Condition, Parameter, TemplatePart, TopicTemplate, from};
use crate::expression::Names;
use crate::yaml::{Fields, Key, Kind, Mistakes, Node, Origin, boolean, list_of, map_of, suggest, text};
use std::sync::Arc;

/// How many topics one sink may have: each is looked up and planned before the start.
const MOST_TOPICS: usize = 1_000;

pub(super) fn read<'a>(key: &'a Key, node: &'a Node, parts: &Parts<'_>, mistakes: &mut Mistakes) -> SinkDraft<'a> {
    let names = parts.names;
    let mut sink = SinkDraft {
        key,
        from: None,
        topic: None,
        topic_place: key.place.clone(),
        condition: None,
        new_key: None,
        headers: Vec::new(),
        event_time: None,
        format: None,
        description: None,
    };
    let what = format!("sink `{}`", crate::yaml::shortened(&key.text, 60));
    let Some(mut fields) = Fields::of(what, &key.place, node, mistakes) else {
        return sink;
    };
    sink.from = fields.required("from", from::read);
    let topic = fields.required("topic", text);
    fields.optional("parameters", map_of(|_, _| Some(())));
    let condition = fields.optional("where", expression(names));
    let otherwise = fields.optional("otherwise", boolean);
    sink.new_key = fields.optional("key", expression(names));
    sink.headers = fields
        .optional("headers", map_of(expression_or_text(names)))
        .unwrap_or_default()
        .into_iter()
        .map(|(key, value)| (key.text.clone(), value))
        .collect();
    sink.event_time = fields.optional("event_time", expression(names));
    sink.format = formats::read(&mut fields, Use::Write, parts);
    sink.description = fields.optional("description", text);
    for expression in sink.new_key.iter().chain(sink.headers.iter().map(|(_, value)| value)) {
        without_secrets(expression, parts.secrets, fields.mistakes);
    }
    sink.condition = match (node.get("where"), node.get("otherwise")) {
        (Some(_), Some(_)) => {
            let place = fields.key_place("otherwise");
            fields.wrong(
                place,
                "a sink can't have both `where` and `otherwise`",
                "`otherwise: true` takes what no `where` took: keep one of them",
            );
            None
        }
        (Some(_), None) => condition.map(Condition::Where),
        (None, Some(_)) if otherwise == Some(false) => {
            let place = fields.key_place("otherwise");
            fields.wrong(
                place,
                "`otherwise: false` says nothing",
                "remove it, or write `otherwise: true`",
            );
            None
        }
        (None, Some(_)) => otherwise.map(|_| Condition::Otherwise),
        (None, None) => Some(Condition::Always),
    };
    fields.finish();
    let parameters: Vec<_> = node
        .get("parameters")
        .map_or(&[][..], Node::entries)
        .iter()
        .map(|(key, node)| (key, parameter(key, node, names, mistakes)))
        .collect();
    if let (Some(text), Some(node)) = (topic, node.get("topic")) {
        sink.topic_place = node.place.clone();
        sink.topic = template(&text, node, &parameters, mistakes);
    }
    sink
}

type Parameters<'a> = [(&'a Key, Option<Arc<Parameter>>)];

fn parameter(key: &Key, node: &Node, names: Option<&Names>, mistakes: &mut Mistakes) -> Option<Arc<Parameter>> {
    let mut fields = Fields::of("a topic's parameter", &key.place, node, mistakes)?;
    let value = fields.required("value", expression(names));
    let allowed = fields.required("enum", |node, mistakes| {
        if matches!(&node.kind, Kind::List(nodes) if nodes.is_empty()) {
            mistakes.add(
                &node.place,
                "this list is empty",
                "name every value that the topic may have here",
            );
            return None;
        }
        let word = |node: &Node, mistakes: &mut Mistakes| {
            let word = text(node, mistakes)?;
            if word.chars().all(names::is_topic_character) {
                return Some((word, node.place.clone()));
            }
            mistakes.add(
                &node.place,
                format!("{} can't be part of a topic's name", node.shown()),
                TOPIC_HELP,
            );
            None
        };
        let words = list_of(word)(node, mistakes)?;
        for (index, (word, place)) in words.iter().enumerate() {
            if words.iter().take(index).any(|(earlier, _)| earlier == word) {
                mistakes.add(place, "this value is here twice", "name it once");
            }
        }
        Some(words.into_iter().map(|(word, _)| word).collect::<Vec<_>>())
    });
    let description = fields.optional("description", text);
    fields.finish();
    Some(Arc::new(Parameter {
        name: key.text.clone(),
        value: value?,
        allowed: allowed?,
        description,
    }))
}

/// Takes a topic's text apart at its parameters, and checks every topic that it can become.
fn template(text: &str, node: &Node, parameters: &Parameters<'_>, mistakes: &mut Mistakes) -> Option<TopicTemplate> {
    let mut used: Vec<&str> = Vec::new();
    let parts = split(text, node, parameters, &mut used, mistakes);
    for (key, _) in parameters.iter().filter(|(key, _)| !used.contains(&key.text.as_str())) {
        let help = format!(
            "write `{{{}}}` where it belongs in the topic, or remove the parameter",
            key.text
        );
        mistakes.add(&key.place, format!("the topic has no `{{{}}}` in it", key.text), help);
    }
    let template = TopicTemplate {
        parts: parts?,
        text: text.to_owned(),
    };
    let many = template.parts.iter().try_fold(1_usize, |count, part| match part {
        TemplatePart::Parameter(_, parameter) => count.checked_mul(parameter.allowed.len()),
        TemplatePart::Text(_) => Some(count),
    });
    if many.is_none_or(|many| many > MOST_TOPICS) {
        let message = format!("this can become more than {MOST_TOPICS} topics");
        mistakes.add(
            &node.place,
            message,
            "use fewer parameters or values, or a header in place of a topic",
        );
        return None;
    }
    let wrong = template
        .topics()
        .iter()
        .find_map(|topic| names::legal_topic(topic).err());
    if let Some(why) = wrong {
        mistakes.add(&node.place, why, TOPIC_HELP);
        return None;
    }
    Some(template)
}

fn split<'t>(
    text: &'t str,
    node: &Node,
    parameters: &Parameters<'_>,
    used: &mut Vec<&'t str>,
    mistakes: &mut Mistakes,
) -> Option<Vec<TemplatePart>> {
    let mut parts = Some(Vec::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        // where the text is as it stands in the file, the place is the parameter's own
        let at = text.len().saturating_sub(after.len() + 1);
        let place = match node.from {
            Origin::File => node.place_at(text.get(..at).map_or(0, |before| before.chars().count())),
            _ => node.place.clone(),
        };
        let Some((name, after)) = after.split_once('}') else {
            mistakes.add(&place, "`{` has no `}`", "write a parameter as {name}");
            return None;
        };
        used.push(name);
        let found = parameters.iter().enumerate().find(|(_, (key, _))| key.text == name);
        if found.is_none() {
            let known = parameters.iter().map(|(key, _)| key.text.as_str());
            let help = suggest(name, known).map_or_else(
                || "add it under `parameters:`, with `value:` and `enum:`".to_owned(),
                |near| format!("did you mean `{{{near}}}`?"),
            );
            mistakes.add(
                &place,
                format!("the parameter `{}` is not known", crate::yaml::shortened(name, 60)),
                help,
            );
        }
        let parameter = found.and_then(|(number, (_, parameter))| Some((number, parameter.clone()?)));
        match (parameter, &mut parts) {
            (Some((number, parameter)), Some(parts)) => {
                if !before.is_empty() {
                    parts.push(TemplatePart::Text(before.to_owned()));
                }
                parts.push(TemplatePart::Parameter(number, parameter));
            }
            _ => parts = None,
        }
        rest = after;
    }
    if let (Some(parts), false) = (&mut parts, rest.is_empty()) {
        parts.push(TemplatePart::Text(rest.to_owned()));
    }
    parts
}
