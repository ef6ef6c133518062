//! Leaks: what a split lets training see of the very sessions that are tested.

use crate::{
    dataset::{Manifest, manifest::UnitRecord},
    splits::SplitRule,
};

/// What is wrong with the split of a dataset whatever is fitted to it; none if nothing is.
///
/// Of single packets drawn by lot, those of one session are on both sides: what numbers them gives
/// the answer away.
pub fn of(manifest: &Manifest) -> Option<String> {
    let is_torn =
        manifest.cutting.unit == UnitRecord::Packet && manifest.split.rule == SplitRule::Session;
    is_torn.then(|| {
        "packets of one session are on both sides: leaky; the scores say how well sessions are \
         known again, and rule `connection` or `capture` keeps theirs together"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_packets_that_are_drawn_by_lot_leak() {
        let check = |unit, rule, expected: bool| {
            let mut manifest = Manifest::new("made", Vec::new(), "ip", 784);
            manifest.cutting.unit = unit;
            manifest.split.rule = rule;
            assert_eq!(of(&manifest).is_some(), expected, "{unit:?} {rule}");
        };
        check(UnitRecord::Packet, SplitRule::Session, true);
        check(UnitRecord::Packet, SplitRule::Connection, false);
        check(UnitRecord::Packet, SplitRule::Capture, false);
        check(UnitRecord::Session, SplitRule::Session, false);
    }
}
