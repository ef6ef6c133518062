//! Words for when a model says *unknown*.

use learn::rejection::Rule;

use crate::numbers::percent;

/// When it does, after "it says unknown".
pub(crate) fn condition((rule, threshold): (Rule, f64)) -> String {
    match rule {
        Rule::Softmax => format!("below a confidence of {}", percent(threshold)),
        Rule::Energy => format!("below an energy of {threshold:.3}"),
        Rule::Distance => format!("beyond a distance of {:.2} from every class", -threshold),
    }
}

/// Why it did.
pub(crate) fn refusal((rule, threshold): (Rule, f64)) -> String {
    match rule {
        Rule::Softmax => format!("below the threshold of {}", percent(threshold)),
        rule => condition((rule, threshold)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_told_in_its_own_measure() {
        let check = |rule, threshold, expected: &str| {
            assert_eq!(condition((rule, threshold)), expected);
        };
        check(Rule::Softmax, 0.9, "below a confidence of 90.00 %");
        check(Rule::Energy, 1.5, "below an energy of 1.500");
        check(
            Rule::Distance,
            -21.5,
            "beyond a distance of 21.50 from every class",
        );
    }
}
