//! Judgement: what a forest's scores say of the rule they were had under.

use super::{Measured, Rule, Trust};

/// Below this many groups, other groups could have given quite another score.
const FEW_GROUPS: usize = 20;
/// A fall of macro-F1 that is more than chance.
const FALL: f64 = 0.05;
/// The share of test slices that may also be in training.
const REPEATED: f64 = 0.01;

/// What is to be thought of a rule, and why.
pub(super) fn judge(
    rule: Rule,
    measured: &Measured,
    held_out: Option<&(Rule, Measured)>,
    classes: &[String],
) -> (Trust, String) {
    let untestable = untestable(measured, classes);
    let percent = |part: u64| format!("{:.1} %", part as f64 * 100.0 / measured.test.max(1) as f64);
    let repeated = measured.shared_slices as f64 / measured.test.max(1) as f64;
    if rule.holds_recordings_out() || rule.asks_for_unseen() {
        let groups = rule.groups();
        let tested = measured.test_groups.unwrap_or(0);
        if !untestable.is_empty() {
            return (
                Trust::Doubtful,
                format!(
                    "whole {groups} are held out, but {} cannot be tested",
                    untestable.join(", ")
                ),
            );
        }
        if rule.holds_recordings_out() && tested < FEW_GROUPS {
            return (
                Trust::Doubtful,
                format!(
                    "whole {groups} are held out, but only {tested} are tested: others could \
                     give quite another score"
                ),
            );
        }
        if repeated > REPEATED {
            return (
                Trust::Doubtful,
                format!(
                    "whole {groups} are held out, but {} of the test slices are in training too, \
                     byte for byte",
                    percent(measured.shared_slices)
                ),
            );
        }
        return (
            Trust::Trusted,
            format!("whole {groups} are held out; training knows none that is tested"),
        );
    }
    let Some((reference, strict)) = held_out else {
        return if repeated > REPEATED {
            (
                Trust::Untrusted,
                format!(
                    "{} of the test slices are in training too, byte for byte, and no captures \
                     are known to hold out",
                    percent(measured.shared_slices)
                ),
            )
        } else {
            (
                Trust::Doubtful,
                "no captures are known to hold out: what is remembered cannot be told from what \
                 is understood"
                    .to_owned(),
            )
        };
    };
    let (here, there) = common_f1(measured, strict);
    let recordings = reference.groups();
    let fall = format!(
        "over the same classes, a forest's macro-F1 is {:.1} here and {:.1} where whole \
         {recordings} are held out",
        here * 100.0,
        there * 100.0
    );
    if here - there > FALL {
        (
            Trust::Untrusted,
            format!(
                "{} of the test samples have their capture group in training; {fall}",
                percent(measured.shared_groups)
            ),
        )
    } else if repeated > REPEATED {
        (
            Trust::Doubtful,
            format!(
                "{} of the test slices are in training too, byte for byte; {fall}",
                percent(measured.shared_slices)
            ),
        )
    } else {
        (Trust::Trusted, fall)
    }
}

/// Macro-F1 of both over the classes that both can test.
fn common_f1(one: &Measured, other: &Measured) -> (f64, f64) {
    let pairs: Vec<(f64, f64)> = one
        .class_f1
        .iter()
        .zip(&other.class_f1)
        .filter_map(|(one, other)| Some(((*one)?, (*other)?)))
        .collect();
    let mean = |sum: f64| sum / pairs.len().max(1) as f64;
    (
        mean(pairs.iter().map(|pair| pair.0).sum()),
        mean(pairs.iter().map(|pair| pair.1).sum()),
    )
}

fn untestable(measured: &Measured, classes: &[String]) -> Vec<String> {
    let rows = classes.iter().zip(&measured.class_f1);
    rows.filter(|(_, f1)| f1.is_none())
        .map(|(class, _)| class.clone())
        .collect()
}
