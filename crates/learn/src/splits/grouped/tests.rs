//! What is whole stays whole, and what cannot be is refused.

use super::*;
use crate::{
    dataset::provenance::Provenance,
    splits::{Untestable, assign},
};

const CLASSES: [&str; 4] = ["Email", "VoIP", "VPN-Email", "VPN-VoIP"];

/// Samples of (label, run, what the rule goes by, how many): site and application are that,
/// and so is the tunnel of a class that has one.
fn samples(blocks: &[(u32, &str, &str, usize)]) -> Vec<Facts> {
    let block = |&(label, run, name, count): &(u32, &str, &str, usize)| {
        let name: Arc<str> = name.into();
        let sample = Facts {
            group: run.into(),
            provenance: Provenance {
                run: Some(run.into()),
                site: Some(Arc::clone(&name)),
                application: Some(Arc::clone(&name)),
                tunnel: (label >= 2).then_some(name),
                plaintext: None,
            },
            ..Facts::of_label(label)
        };
        vec![sample; count]
    };
    blocks.iter().flat_map(block).collect()
}

fn classes() -> Vec<String> {
    CLASSES.map(str::to_owned).to_vec()
}

fn options(rule: SplitRule, hold_out: &[&str]) -> SplitOptions {
    SplitOptions {
        rule,
        hold_out: hold_out.iter().map(|&name| name.to_owned()).collect(),
        untestable: Untestable::Allow,
        ..SplitOptions::default()
    }
}

/// Five runs of Email, or of its tunnelled class, at each site: ten samples a run.
fn email(label: u32, sites: &[&str]) -> Vec<Facts> {
    let of_site = |site: &&str| {
        let runs: Vec<String> = (0..5).map(|run| format!("{label}-{site}-{run}")).collect();
        let blocks: Vec<_> = runs
            .iter()
            .map(|run| (label, run.as_str(), *site, 10))
            .collect();
        samples(&blocks)
    };
    sites.iter().flat_map(of_site).collect()
}

/// Names of each side and samples of each side.
fn found(samples: &[Facts], options: &SplitOptions) -> ([usize; 3], [Vec<String>; 3]) {
    let found = assign(samples, &classes(), options).unwrap();
    let count = |side| found.splits.iter().filter(|&&s| s == Some(side)).count();
    let names = |side| found.groups.get(&side).cloned().unwrap_or_default();
    (Split::ALL.map(count), Split::ALL.map(names))
}

#[test]
fn of_three_sites_one_is_tested_and_runs_of_the_others_are_validation() {
    let samples = email(0, &["a", "b", "c"]);
    let (counts, [train, validation, test]) = found(&samples, &options(SplitRule::Site, &[]));
    // A ninth of the 100 that are left, in whole runs of ten.
    assert_eq!(counts, [80, 20, 50]);
    assert_eq!((train.len(), validation.len(), test.len()), (2, 0, 1));
}

#[test]
fn of_five_applications_one_is_validation() {
    let samples = email(0, &["curl", "swaks", "msmtp", "mbsync", "getmail"]);
    let (counts, names) = found(&samples, &options(SplitRule::Application, &[]));
    assert_eq!(counts, [150, 50, 50]);
    assert_eq!(names.map(|names| names.len()), [3, 1, 1]);
}

#[test]
fn a_site_is_held_out_for_the_direct_and_the_tunnelled_class_alike() {
    let mut samples = email(0, &["a", "b", "c"]);
    samples.extend(email(2, &["a", "b", "c"]));
    let (counts, [_, _, test]) = found(&samples, &options(SplitRule::Site, &["c"]));
    assert_eq!(test, ["Email/c"]);
    assert_eq!(counts[2], 100);
}

#[test]
fn activities_have_their_own_sites_held_out() {
    let mut samples = email(0, &["a", "b", "c"]);
    samples.extend(email(1, &["a", "p1", "p2"]));
    let chosen = options(SplitRule::Site, &["Email/a", "p2"]);
    let (_, [train, _, test]) = found(&samples, &chosen);
    assert_eq!(test, ["Email/a", "VoIP/p2"]);
    assert_eq!(train, ["Email/b", "Email/c", "VoIP/a", "VoIP/p1"]);
}

#[test]
fn without_a_tunnel_whole_runs_are_drawn_and_named_nowhere() {
    let mut samples = email(0, &["x"]);
    samples.extend(email(2, &["openvpn-udp", "openvpn-tcp", "wireguard"]));
    let chosen = options(SplitRule::Tunnel, &["wireguard"]);
    let (_, names) = found(&samples, &chosen);
    assert_eq!(names[0], ["openvpn-tcp", "openvpn-udp"]);
    assert_eq!(
        (names[1].len(), names[2].as_slice()),
        (0, &["wireguard".to_owned()][..])
    );
    let direct = assign(&samples, &classes(), &chosen).unwrap().splits;
    let count = |side| direct[..50].iter().filter(|&&s| s == Some(side)).count();
    // Of five runs, one is the least that a side can have.
    assert_eq!(Split::ALL.map(count), [30, 10, 10]);
}

#[test]
fn a_run_at_two_sites_stays_on_one_side_and_loses_the_rest() {
    let runs: Vec<String> = (0..20).map(|run| format!("r{run}")).collect();
    let blocks = runs
        .iter()
        .flat_map(|run| ["a", "b", "c"].map(|site| (0, run.as_str(), site, 2)));
    let samples = samples(&blocks.collect::<Vec<_>>());
    let (counts, _) = found(&samples, &options(SplitRule::Site, &["c"]));
    // Six runs of two test samples reach a tenth of 120. The other 14 have 56 at train sites,
    // of which two runs, to a ninth, are validation.
    assert_eq!(counts, [48, 8, 12]);
}

/// The refusal of a split of one email class with sites a, b and c.
#[track_caller]
fn check_refusal(samples: &[Facts], rule: SplitRule, hold_out: &[&str], expected: &str) {
    let options = SplitOptions {
        untestable: Untestable::Refuse,
        ..options(rule, hold_out)
    };
    let classes = &classes()[..1];
    let error = assign(samples, classes, &options).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_class_that_cannot_be_tested_is_refused_with_the_reason() {
    let remedy = "without train or test samples; use another rule, add captures, or go on with `--allow-untestable`";
    check_refusal(
        &email(0, &["a"]),
        SplitRule::Site,
        &[],
        &format!("rule `site` leaves class `Email` (its 50 samples are of one site) {remedy}"),
    );
    check_refusal(
        &email(0, &["a", "b"]),
        SplitRule::Site,
        &["a", "b"],
        &format!("rule `site` leaves class `Email` (all of its sites are held out) {remedy}"),
    );
    check_refusal(
        &samples(&[(0, "r1", "a", 9), (0, "r1", "b", 9)]),
        SplitRule::Site,
        &[],
        &format!(
            "rule `site` leaves class `Email` (its 18 samples are of 2 sites, but the same runs) {remedy}"
        ),
    );
}

#[test]
fn what_cannot_be_held_out_is_named() {
    let samples = email(0, &["a", "b", "c"]);
    check_refusal(
        &samples,
        SplitRule::Site,
        &["d"],
        "there is no site `d` to hold out, only Email/a, Email/b, Email/c",
    );
    check_refusal(
        &samples,
        SplitRule::Session,
        &["c"],
        "rule `session` has no groups, so `c` cannot be held out; use a rule that has",
    );
}

#[test]
fn samples_that_do_not_know_what_the_rule_goes_by_are_refused() {
    let mut samples = email(0, &["a", "b", "c"]);
    check_refusal(
        &samples,
        SplitRule::Tunnel,
        &[],
        "no sample went through a tunnel; use rule `run`",
    );
    samples[3].provenance = Provenance::default();
    check_refusal(
        &samples,
        SplitRule::Run,
        &[],
        "rule `run` needs a run for each sample, 1 of 150 have none; prepare captures of the laboratory with `--labels sidecar`",
    );
}

const RULES: [SplitRule; 4] = [
    SplitRule::Run,
    SplitRule::Site,
    SplitRule::Application,
    SplitRule::Tunnel,
];

/// Where each name has samples.
fn sides_of<'a>(
    samples: &'a [Facts],
    splits: &[Option<Split>],
    name: impl Fn(&'a Facts) -> Option<String>,
) -> BTreeMap<String, BTreeSet<Split>> {
    let mut sides: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
    for (sample, side) in samples.iter().zip(splits) {
        if let (Some(name), Some(side)) = (name(sample), side) {
            sides.entry(name).or_default().insert(*side);
        }
    }
    sides
}

proptest::proptest! {
    #[test]
    fn no_run_and_no_test_group_is_torn(
        blocks in proptest::collection::vec((0_u32..4, 0_u32..25, 0_u32..6, 1_usize..9), 1..80),
        rule in proptest::sample::select(&RULES[..]),
        seed in 0_u64..1000,
    ) {
        let named: Vec<_> = blocks
            .iter()
            .map(|&(label, run, name, count)| (label, format!("r{run}"), format!("n{name}"), count))
            .collect();
        let blocks: Vec<_> = named
            .iter()
            .map(|(label, run, name, count)| (*label, run.as_str(), name.as_str(), *count))
            .collect();
        let samples = samples(&blocks);
        let options = SplitOptions { seed, ..options(rule, &[]) };
        let found = match assign(&samples, &classes(), &options) {
            Err(SplitError::NoTunnel) => return Ok(()),
            found => found.unwrap(),
        };
        for (run, sides) in sides_of(&samples, &found.splits, |s| s.provenance.run.as_deref().map(str::to_owned)) {
            proptest::prop_assert!(sides.len() == 1, "{run}: {sides:?}");
        }
        let group = |sample: &Facts| {
            let name = sample.provenance.site.as_deref()?;
            let activity = activity(CLASSES[sample.label as usize]);
            match rule {
                SplitRule::Tunnel => sample.provenance.tunnel.as_deref().map(str::to_owned),
                _ => Some(format!("{activity}/{name}")),
            }
        };
        if rule != SplitRule::Run {
            for (name, sides) in sides_of(&samples, &found.splits, group) {
                proptest::prop_assert!(
                    sides.len() == 1 || !sides.contains(&Split::Test),
                    "{name}: {sides:?}"
                );
                proptest::prop_assert!(
                    sides.len() == 1 || !found.validation_by_run.is_empty(),
                    "{name}: {sides:?}"
                );
            }
        }
        proptest::prop_assert_eq!(assign(&samples, &classes(), &options).unwrap(), found);
    }

    #[test]
    fn classes_of_two_groups_with_runs_of_their_own_are_testable(
        groups in proptest::collection::vec(2_u32..7, 4),
        rule in proptest::sample::select(&RULES[..3]),
        seed in 0_u64..1000,
    ) {
        let samples: Vec<Facts> = (0..).zip(&groups).flat_map(|(label, &count)| {
            let names: Vec<String> = (0..count).map(|name| format!("n{name}")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            email(label, &names)
        }).collect();
        let options = SplitOptions {
            seed,
            untestable: Untestable::Refuse,
            ..options(rule, &[])
        };
        let found = assign(&samples, &classes(), &options);
        proptest::prop_assert!(found.is_ok(), "{found:?}");
        let found = found.unwrap();
        // Every class has something to choose on, and nothing is lost.
        for label in 0..4 {
            let sides = samples.iter().zip(&found.splits);
            let count = sides
                .filter(|(sample, side)| sample.label == label && **side == Some(Split::Validation))
                .count();
            proptest::prop_assert!(count > 0);
        }
        proptest::prop_assert!(found.splits.iter().all(Option::is_some));
    }
}
