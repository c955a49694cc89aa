//! The topology as boxes and trees of text: a box a sub-topology, a tree for each topic that it reads.
//!
//! A processor that takes from several is drawn once, below, and each of these points to it by `▸`; so is one that stands
//! deeper in its tree than can be read.

use super::words;
use crate::topology::{Graph, Guarantee, Input, Sink, SubTopology, Topology};
use crate::yaml::show_duration;
use std::collections::BTreeSet;

const NARROWEST: usize = 60;
const WIDEST: usize = 120;

/// A line of a box: what is drawn, and what is said about it on the right.
struct Line {
    tree: String,
    about: String,
}

pub(super) fn draw(topology: &Topology, width: usize) -> String {
    let width = width.clamp(NARROWEST, WIDEST);
    let graph = topology.graph();
    let guarantee = match topology.guarantee {
        Guarantee::ExactlyOnce => "exactly once",
        Guarantee::AtLeastOnce => "at least once",
    };
    let mut out = format!(
        "{}: {guarantee}, a commit every {}\n",
        topology.application,
        show_duration(topology.commit_interval)
    );
    let boxes: Vec<_> = graph.subtopologies.iter().map(|sub| lines(topology, sub)).collect();
    let all = || boxes.iter().flatten().filter(|line| !line.about.is_empty());
    // one column for what is said on the right, in all boxes, unless that leaves it no room
    let column = all()
        .map(|line| line.tree.chars().count() + 2)
        .max()
        .unwrap_or(0)
        .min(width / 2);
    for (sub, lines) in graph.subtopologies.iter().zip(&boxes) {
        out.push('\n');
        frame(&mut out, sub, lines, column, width);
    }
    footer(&mut out, topology, &graph, width);
    out
}

fn frame(out: &mut String, sub: &SubTopology, lines: &[Line], column: usize, width: usize) {
    let inside = width.saturating_sub(4);
    let name = words::cut(&words::title(sub), inside.saturating_sub(4));
    let rest = "─".repeat(width.saturating_sub(name.chars().count() + 5));
    out.push_str(&format!("╭─ {name} {rest}╮\n"));
    for line in lines {
        let text = if line.about.is_empty() {
            line.tree.clone()
        } else {
            let gap = column.saturating_sub(line.tree.chars().count()).max(2);
            format!("{}{}{}", line.tree, " ".repeat(gap), line.about)
        };
        let text = words::cut(&text, inside);
        let fill = " ".repeat(inside.saturating_sub(text.chars().count()));
        out.push_str(&format!("│ {text}{fill} │\n"));
    }
    out.push_str(&format!("╰{}╯\n", "─".repeat(width.saturating_sub(2))));
}

/// What lies outside of the boxes.
fn footer(out: &mut String, topology: &Topology, graph: &Graph, width: usize) {
    out.push('\n');
    let mut say = |text: String| {
        out.push_str(&words::cut(&text, width));
        out.push('\n');
    };
    for feed in &topology.feeds {
        say(format!(
            "feed {} ({}) ≋ {}",
            feed.name,
            feed.kind.type_name(),
            feed.topic
        ));
    }
    for (index, table) in topology.tables.iter().enumerate() {
        let used = graph.subtopologies.iter().any(|sub| sub.tables.contains(&index));
        if used {
            say(format!("table {} ≋ {}", table.name, table.topic));
        }
    }
    say(format!("dead letters ≋ {}", topology.dead_letters));
}

fn lines(topology: &Topology, sub: &SubTopology) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut drawing = Drawing {
        topology,
        sub,
        lines: &mut lines,
        apart: BTreeSet::new(),
    };
    for entry in &sub.entries {
        let name = topology.input_name(entry.input);
        let about = if matches!(entry.input, Input::Source(_)) {
            format!("source {name}")
        } else {
            format!("from {name}")
        };
        drawing.line(format!("≋ {}", entry.topic), about);
        drawing.below(entry.input, "");
    }
    // whatever points to a processor has a lower index, so it is drawn before
    while let Some(index) = drawing.apart.pop_first() {
        drawing.processor(index, "▸ ", "");
    }
    lines
}

struct Drawing<'d> {
    topology: &'d Topology,
    sub: &'d SubTopology,
    lines: &'d mut Vec<Line>,
    /// Processors that were pointed to, and are to be drawn.
    apart: BTreeSet<usize>,
}

impl Drawing<'_> {
    fn line(&mut self, tree: String, about: String) {
        self.lines.push(Line { tree, about });
    }

    fn processor(&mut self, index: usize, branch: &str, indent: &str) {
        let Some(processor) = self.topology.processors.get(index) else {
            return;
        };
        let mut about = words::kind(processor);
        for (_, store) in self.sub.stores.iter().filter(|(of, _)| *of == index) {
            about.push_str(&format!(" ▣ {}", words::store(store)));
        }
        if let Some(kept) = processor.definition.keeps() {
            about.push_str(&format!(" ≋ {}", kept.topic));
        }
        let tables = words::tables(processor);
        if !tables.is_empty() {
            about.push_str(&format!(" ▤ {}", tables.join(", ")));
        }
        self.line(format!("{branch}{}", processor.name), about);
        match processor.definition.through() {
            Some(through) => self.line(format!("{indent}└─ ≋ {}", through.topic), String::new()),
            None => self.below(Input::Processor(index), indent),
        }
    }

    /// Everything that takes from an input. Recursion goes as deep as a tree may be drawn, and no deeper.
    fn below(&mut self, input: Input, indent: &str) {
        const DEEPEST: usize = 10;
        let (processors, sinks) = words::takers(self.topology, self.sub, input);
        let count = processors.len() + sinks.len();
        for (position, index) in processors.iter().copied().enumerate() {
            let last = position + 1 == count;
            let (branch, deeper) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let Some(processor) = self.topology.processors.get(index) else {
                continue;
            };
            let deeper = format!("{indent}{deeper}");
            if processor.from.len() > 1 || deeper.chars().count() > DEEPEST * 3 {
                self.line(format!("{indent}{branch}▸ {}", processor.name), String::new());
                self.apart.insert(index);
            } else {
                self.processor(index, &format!("{indent}{branch}"), &deeper);
            }
        }
        for (position, sink) in sinks.iter().enumerate() {
            let last = processors.len() + position + 1 == count;
            self.sink(sink, &format!("{indent}{}", if last { "└─ " } else { "├─ " }));
        }
    }

    fn sink(&mut self, sink: &Sink, branch: &str) {
        self.line(
            format!("{branch}≋ {}", sink.topic.text),
            words::condition(sink).unwrap_or_default(),
        );
    }
}
