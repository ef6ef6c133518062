//! Split rules on made data: whom to believe when whole captures cost nothing, or everything.

use std::cell::RefCell;

use rand::{RngExt, SeedableRng};

use super::*;
use crate::splits::SplitRule;

#[track_caller]
fn verdict(audit: &Audit, rule: Rule) -> &RuleVerdict {
    let mut verdicts = audit.rules.iter();
    verdicts.find(|verdict| verdict.rule == rule).unwrap()
}

#[test]
fn a_split_by_lot_is_trusted_where_whole_captures_cost_nothing() {
    let mut subject = subject("ip", &|lots, class, _| lots.ip.ttl = 64 + class);
    for (row, facts) in subject.facts.iter_mut().enumerate() {
        facts.group = format!("{}/{}", facts.label, row / 2 % 40).into();
    }
    let audit = subject.audit();
    let verdict = verdict(&audit, Rule::Session);
    assert_eq!(verdict.trust, Trust::Trusted, "{verdict:?}");
}

/// Forty captures a class, each with a payload of its own; nothing tells the class itself.
fn remembered() -> Subject {
    let groups = RefCell::new(Vec::new());
    let mut subject = subject("ip", &|lots, class, random| {
        let group: u64 = random.random_range(0..40);
        let mut of_group = ChaCha8Rng::seed_from_u64(u64::from(class) * 40 + group);
        lots.payload = (0..40).map(|_| of_group.random()).collect();
        groups.borrow_mut().push(format!("{class}/{group}"));
    });
    for (facts, group) in subject.facts.iter_mut().zip(groups.into_inner()) {
        facts.group = group.into();
    }
    subject.dataset.manifest.split.rule = SplitRule::Session;
    subject
}

#[test]
fn a_split_by_lot_is_not_to_be_trusted_where_whole_captures_cost_the_score() {
    let audit = remembered().audit();
    let session = verdict(&audit, Rule::Session);
    assert_eq!(session.trust, Trust::Untrusted, "{session:?}");
    assert!(session.is_own);
    let capture = verdict(&audit, Rule::Capture);
    assert_ne!(capture.trust, Trust::Untrusted, "{capture:?}");
    let [by_lot, held_out] = [session, capture].map(|verdict| verdict.measured.as_ref().unwrap());
    assert_eq!(held_out.shared_groups, 0);
    assert!(by_lot.shared_groups > by_lot.test / 2);
    // Two classes that nothing tells apart: a score far above one half is remembered.
    assert!(by_lot.accuracy > 0.85, "{}", by_lot.accuracy);
    assert!(held_out.accuracy < 0.75, "{}", held_out.accuracy);
    assert_eq!(verdict(&audit, Rule::Run).trust, Trust::Impossible);
}
