//! An explanation as text and as JSON.

use std::fmt::Write;

use learn::{
    audit::{Explanation, FieldEffect},
    model::Model,
};
use serde_json::{Value, json};
use traffic::{dissection::Place, packet::Direction, session::Session};

use crate::{
    numbers::{count, counted, percent, short},
    report::{Plain, wrapped},
};

/// Bytes of a line of the hex view.
const LINE: usize = 16;
/// Columns of a sentence.
const WIDTH: usize = 96;
/// Fields that the hex view marks: those without which the verdict loses most.
const MARKED: usize = 3;
/// Classes named beside the verdict.
const RUNNERS_UP: usize = 2;

/// An explanation with all that it is about.
pub(super) struct Told<'a> {
    pub(super) capture: String,
    pub(super) number: usize,
    pub(super) session: &'a Session,
    pub(super) model: &'a Model,
    pub(super) explanation: &'a Explanation,
}

impl Told<'_> {
    /// What the names of its classes do not say by themselves.
    fn note(&self) -> Option<&'static str> {
        let trained_on = &self.model.card().trained_on;
        trained_on.vpn_note(&self.model.contract().classes)
    }

    fn class(&self, label: u32) -> &str {
        &self.model.contract().classes[label as usize]
    }

    /// What the verdict's class loses without a field, in points of a hundred.
    fn loss(&self, effect: &FieldEffect) -> f64 {
        (self.explanation.confidence - effect.probability) * 100.0
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let contract = self.model.contract();
        let effects = self.explanation.fields.iter().map(|effect| {
            json!({
                "field": effect.field,
                "bytes": effect.bytes,
                "packets": effect.packets,
                "probability_without": effect.probability,
                "class_without": self.class(effect.label),
                "confidence_without": effect.confidence,
            })
        });
        let bytes = self.session.slice.bytes();
        let places = self.explanation.places.iter().map(|place| {
            json!({
                "offset": place.range.start,
                "field": place.part.name(),
                "packet": place.packet.map(|packet| packet + 1),
                "bytes": hexadecimal(&bytes[place.range.clone()], ""),
            })
        });
        let five_tuple = &self.session.five_tuple;
        json!({
            "capture": self.capture,
            "session": self.number,
            "start": self.session.start.to_string(),
            "protocol": five_tuple.protocol.name(),
            "client": five_tuple.source.to_string(),
            "server": five_tuple.destination.to_string(),
            "packets": self.session.packets,
            "background": self.session.background,
            "model_sha256": self.model.hash(),
            "policy": contract.policy,
            "classes_note": self.note(),
            "class": self.class(self.explanation.label),
            "confidence": self.explanation.confidence,
            "is_unknown": self.explanation.is_unknown,
            "rejection": self.model.rejection_rule().0.name(),
            "threshold": self.model.rejection_rule().1,
            "probabilities": contract
                .classes
                .iter()
                .zip(&self.explanation.probabilities)
                .map(|(class, &probability)| (class.clone(), probability.into()))
                .collect::<serde_json::Map<_, _>>(),
            "fields": effects.collect::<Vec<_>>(),
            "slice": places.collect::<Vec<_>>(),
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut parts = vec![self.heading(), self.effects(), self.view()];
        parts.extend(self.note().map(|note| wrapped(note, WIDTH)));
        parts.join("\n")
    }

    fn heading(&self) -> String {
        let session = self.session;
        let contract = self.model.contract();
        let explanation = self.explanation;
        let mut others: Vec<(usize, f64)> = explanation
            .probabilities
            .iter()
            .copied()
            .enumerate()
            .filter(|&(label, _)| label != explanation.label as usize)
            .collect();
        others.sort_by(|one, other| other.1.total_cmp(&one.1));
        let others: Vec<String> = others
            .iter()
            .take(RUNNERS_UP)
            .map(|&(label, probability)| {
                format!("{} {}", self.class(label as u32), percent(probability))
            })
            .collect();
        let named = self.class(explanation.label);
        let confidence = percent(explanation.confidence);
        let verdict = if explanation.is_unknown {
            format!(
                "unknown: nearest is {named} with {confidence}, {}",
                crate::unknowns::refusal(self.model.rejection_rule())
            )
        } else {
            format!("{named} {confidence}")
        };
        let mut text = format!(
            "session  {} of {}: {}, {}, {} bytes\n\
             model    {} ({}), policy {}\n\
             verdict  {verdict}; next {}\n",
            self.number,
            self.capture,
            session.five_tuple,
            counted(session.packets, "packet"),
            count(session.bytes),
            self.model.card().name,
            short(self.model.hash()),
            contract.policy,
            others.join(", "),
        );
        // What `classify` says in the model's place.
        if let Some(background) = session.background {
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "         (`classify` calls it {background} by its ports and does not ask the model)"
            );
        } else if session.is_empty() {
            text += "         (`classify` calls it empty and does not ask the model)\n";
        }
        text
    }

    fn effects(&self) -> String {
        let named = self.class(self.explanation.label);
        let then = format!("{named} then");
        let mut table = Plain::new(
            &["without"],
            &["bytes", &then, "points lost", "verdict then"],
        );
        for effect in &self.explanation.fields {
            table.add(
                &[&effect.field],
                &[
                    extent(effect),
                    percent(effect.probability),
                    format!("{:.2}", self.loss(effect)),
                    format!(
                        "{} {}",
                        self.class(effect.label),
                        percent(effect.confidence)
                    ),
                ],
            );
        }
        table.to_string()
    }

    /// The slice, packet by packet and field by field.
    fn view(&self) -> String {
        let bytes = self.session.slice.bytes();
        let marked: Vec<&str> = self
            .explanation
            .fields
            .iter()
            .filter(|effect| effect.bytes > 0 && self.loss(effect) > 0.0)
            .take(MARKED)
            .map(|effect| effect.field.as_str())
            .collect();
        let mut text = String::new();
        let mut packet = None;
        for place in &self.explanation.places {
            if place.packet != packet || text.is_empty() {
                packet = place.packet;
                text += &self.packet_line(place);
            }
            let name = place.part.name();
            let mark = if marked.contains(&name) { '>' } else { ' ' };
            if place.part.is_blank() {
                // Writing to a string cannot fail.
                let _ = writeln!(
                    text,
                    "  {:04x}  {name}, {}",
                    place.range.start,
                    counted(place.range.len() as u64, "byte")
                );
                continue;
            }
            for (line, bytes) in bytes[place.range.clone()].chunks(LINE).enumerate() {
                let name = if line == 0 { name } else { "" };
                let _ = writeln!(
                    text,
                    "{mark} {:04x}  {name:<27}{}",
                    place.range.start + line * LINE,
                    hexadecimal(bytes, " ")
                );
            }
        }
        text
    }

    fn packet_line(&self, place: &Place) -> String {
        let Some(packet) = place.packet else {
            return String::new();
        };
        let summary = self.session.summaries.get(usize::from(packet));
        let way = summary.map_or("", |summary| match summary.direction {
            Direction::Forward => ", forward",
            Direction::Backward => ", backward",
        });
        format!("packet {}{way}\n", packet + 1)
    }
}

/// How much of a session a thing is of.
fn extent(effect: &FieldEffect) -> String {
    match (effect.bytes, effect.packets) {
        (0, 0) => String::new(),
        (0, packets) => counted(packets as u64, "packet"),
        (bytes, _) => bytes.to_string(),
    }
}

fn hexadecimal(bytes: &[u8], between: &str) -> String {
    let numbers: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    numbers.join(between)
}
