//! Words for when a model says *unknown*.

use learn::{
    calibration::{FALSE_UNKNOWNS, HIGHEST_THRESHOLD},
    model::Contract,
    rejection::Rule,
};

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

/// Where a model's rule and threshold come from, and how many right answers it was to cost.
pub(crate) fn origin(contract: &Contract) -> String {
    let cost = |share| {
        format!(
            "set so that at most {} of the right answers to validation samples become unknown",
            percent(share)
        )
    };
    let Some(rejection) = &contract.rejection else {
        let threshold = contract.calibration.threshold;
        if threshold <= 0.0 {
            return "no threshold was fitted: it never says unknown".to_owned();
        }
        let cap = if threshold >= HIGHEST_THRESHOLD {
            format!(
                "; {} is the highest it may be, so that fewer do",
                percent(HIGHEST_THRESHOLD)
            )
        } else {
            String::new()
        };
        return format!(
            "rule softmax, which every model has unless `undertone calibrate` fits another; {}{cap}",
            cost(FALSE_UNKNOWNS)
        );
    };
    let rule = rejection.rule;
    let chosen: Vec<String> = rejection
        .chosen_by
        .iter()
        .map(|score| format!("{} {:.3}", score.rule, score.auroc))
        .collect();
    let how = if chosen.is_empty() {
        "asked for, or taken without samples to choose by".to_owned()
    } else {
        format!(
            "chosen by how well it tells samples of no class of the model, AUROC {}",
            chosen.join(", ")
        )
    };
    format!("rule {rule}, {how}; {}", cost(rejection.false_unknowns))
}

#[cfg(test)]
mod tests {
    use learn::{
        calibration::Calibration,
        model::Model,
        rejection::{Rejection, RuleScore},
    };

    use super::*;

    #[track_caller]
    fn check_origin(threshold: f64, rejection: Option<Rejection>, expected: &str) {
        let contract = Contract {
            calibration: Calibration {
                temperature: 1.0,
                threshold,
            },
            rejection,
            ..Model::built_in().unwrap().contract().clone()
        };
        assert_eq!(origin(&contract), expected);
    }

    #[test]
    fn a_card_says_how_the_rule_was_chosen_and_what_it_was_to_cost() {
        let softmax = "rule softmax, which every model has unless `undertone calibrate` fits another; \
                       set so that at most 5.00 % of the right answers to validation samples become \
                       unknown";
        check_origin(0.7, None, softmax);
        let capped = format!("{softmax}; 90.00 % is the highest it may be, so that fewer do");
        check_origin(0.9, None, &capped);
        check_origin(0.0, None, "no threshold was fitted: it never says unknown");
        let rejection = Rejection {
            rule: Rule::Distance,
            threshold: -20.0,
            false_unknowns: 0.01,
            chosen_by: vec![
                RuleScore {
                    rule: Rule::Softmax,
                    auroc: 0.8,
                },
                RuleScore {
                    rule: Rule::Distance,
                    auroc: 0.95,
                },
            ],
        };
        check_origin(
            0.9,
            Some(rejection),
            "rule distance, chosen by how well it tells samples of no class of the model, AUROC \
             softmax 0.800, distance 0.950; set so that at most 1.00 % of the right answers to \
             validation samples become unknown",
        );
    }

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
