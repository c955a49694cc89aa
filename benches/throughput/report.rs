//! The results as a table and as JSON: of each variant the round in the middle.

use crate::Variant;
use crate::measure::Measured;
use std::fmt::Write as _;

/// One round of a variant, start-up taken out.
#[derive(Clone)]
struct Round {
    micros: f64,
    per_second: f64,
    peak_mb: f64,
    first_output: f64,
}

pub struct Report {
    events: u64,
    rounds: Vec<(Variant, Vec<Round>)>,
}

impl Report {
    pub fn new(events: u64) -> Self {
        Self {
            events,
            rounds: Vec::new(),
        }
    }

    pub fn add(&mut self, variant: Variant, small: &Measured, large: &Measured) {
        let events = (large.events - small.events) as f64;
        let wall = large.wall.saturating_sub(small.wall).as_secs_f64().max(1e-3);
        let round = Round {
            micros: large.cpu.saturating_sub(small.cpu).as_secs_f64() * 1e6 / events,
            per_second: events / wall,
            peak_mb: large.peak_kib as f64 / 1024.0,
            first_output: small.first_output.max(large.first_output).as_secs_f64(),
        };
        match self.rounds.iter_mut().find(|(known, _)| *known == variant) {
            Some((_, rounds)) => rounds.push(round),
            None => self.rounds.push((variant, vec![round])),
        }
    }

    /// The round in the middle by what an event costs; the worst memory and start of all.
    fn middle(&self, variant: Variant) -> Option<Round> {
        let (_, rounds) = self.rounds.iter().find(|(known, _)| *known == variant)?;
        let mut sorted = rounds.clone();
        sorted.sort_by(|a, b| a.micros.total_cmp(&b.micros));
        let mut middle = sorted.get(sorted.len() / 2)?.clone();
        for round in rounds {
            middle.peak_mb = middle.peak_mb.max(round.peak_mb);
            middle.first_output = middle.first_output.max(round.first_output);
        }
        Some(middle)
    }

    fn ratio(&self, variant: Variant, base: Variant) -> Option<f64> {
        Some(self.middle(variant)?.micros / self.middle(base)?.micros)
    }

    pub fn table(&self) -> String {
        let mut table = format!(
            "\n{} events, one worker, exactly once, a commit every 100 ms\n\n",
            self.events
        );
        table.push_str("| what | µs an event | range | events a second | peak MB | first output |\n");
        table.push_str("| --- | ---: | ---: | ---: | ---: | ---: |\n");
        for (variant, rounds) in &self.rounds {
            let Some(middle) = self.middle(*variant) else { continue };
            let least = rounds.iter().map(|round| round.micros).fold(f64::INFINITY, f64::min);
            let most = rounds.iter().map(|round| round.micros).fold(0.0, f64::max);
            let _ = writeln!(
                table,
                "| {} | {:.1} | {least:.1}–{most:.1} | {:.0} | {:.0} | {:.2} s |",
                variant.describe(),
                middle.micros,
                middle.per_second,
                middle.peak_mb,
                middle.first_output
            );
        }
        for (variant, base) in PAIRS {
            if let Some(ratio) = self.ratio(variant, base) {
                let _ = writeln!(table, "\n{} / {}: {ratio:.2}", variant.describe(), base.describe());
            }
        }
        table
    }

    pub fn json(&self) -> String {
        let round = |round: &Round| {
            serde_json::json!({
                "cpu_micros_per_event": round.micros,
                "events_per_second": round.per_second,
                "peak_mb": round.peak_mb,
                "first_output_seconds": round.first_output,
            })
        };
        let variants: serde_json::Map<String, serde_json::Value> = self
            .rounds
            .iter()
            .map(|(variant, rounds)| {
                let middle = self.middle(*variant).as_ref().map(round);
                (
                    variant.name().to_owned(),
                    serde_json::json!({"middle": middle, "rounds": rounds.iter().map(round).collect::<Vec<_>>()}),
                )
            })
            .collect();
        let ratios: serde_json::Map<String, serde_json::Value> = PAIRS
            .iter()
            .filter_map(|(variant, base)| {
                Some((
                    format!("{}/{}", variant.name(), base.name()),
                    self.ratio(*variant, *base)?.into(),
                ))
            })
            .collect();
        format!(
            "{:#}\n",
            serde_json::json!({"events": self.events, "variants": variants, "ratios": ratios})
        )
    }
}

const PAIRS: [(Variant, Variant); 5] = [
    (Variant::Fused, Variant::Typed),
    (Variant::Fused, Variant::Copy),
    (Variant::Fused, Variant::Memory),
    (Variant::Fused, Variant::Other),
    (Variant::Staged, Variant::Copy),
];
