//! How dashboards are written, so that a change shows as what it is: two spaces a level, and on one line what fits there.

use serde_json::Value;

const WIDTH: usize = 140;

pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, 0, &mut text);
    text.push('\n');
    text
}

/// `before`: what stands on the line already, beside the indentation; and what must follow.
fn write(value: &Value, indent: usize, before: usize, text: &mut String) {
    let line = on_one_line(value);
    let members: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (format!("{}: ", quoted(key)), value))
            .collect(),
        Value::Array(list) => list.iter().map(|value| (String::new(), value)).collect(),
        _ => Vec::new(),
    };
    if members.is_empty() || indent + before + line.chars().count() <= WIDTH {
        text.push_str(&line);
        return;
    }
    let (open, close) = if value.is_object() { ('{', '}') } else { ('[', ']') };
    text.push(open);
    for (index, (key, member)) in members.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 2));
        text.push_str(key);
        write(member, indent + 2, key.chars().count() + 1, text);
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(close);
}

fn on_one_line(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::Object(map) => {
            let member = |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), on_one_line(value));
            format!("{{{}}}", joined(map.iter().map(member).collect()))
        }
        Value::Array(list) => format!("[{}]", joined(list.iter().map(on_one_line).collect())),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[test]
fn what_fits_is_on_one_line_and_the_rest_is_not() {
    let long = "x".repeat(130);
    let value = serde_json::json!({"a": [1, {"b": null}], "c": {"long": long, "d": []}});
    let expected = format!(
        "{{\n  \"a\": [1, {{\"b\": null}}],\n  \"c\": {{\n    \"long\": \"{long}\",\n    \"d\": []\n  }}\n}}\n"
    );
    assert_eq!(pretty(&value), expected);
}
