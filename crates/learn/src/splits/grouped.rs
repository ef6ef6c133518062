//! Rules that keep groups whole: which groups there are, which may be where, and what becomes of
//! runs that several groups share.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use super::{
    Assignment, SplitError, SplitOptions, SplitRule, runs,
    whole::{self, Spare},
};
use crate::{dataset::Split, filters::Facts, labels::sidecar::activity};

/// What a rule keeps whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Group {
    /// A capture group, a run, a tunnel.
    Named(Arc<str>),
    /// A site or an application: of one activity, so that each activity has its own held out.
    OfActivity(Arc<str>, Arc<str>),
    /// Under rule `tunnel`, the run of a sample that went through none.
    Direct(Arc<str>),
}

impl Group {
    /// Whether a name given by hand means it.
    fn is_called(&self, name: &str) -> bool {
        match self {
            Self::Named(own) => **own == *name,
            Self::OfActivity(_, own) => **own == *name || self.to_string() == name,
            Self::Direct(_) => false,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) | Self::Direct(name) => f.write_str(name),
            Self::OfActivity(activity, name) => write!(f, "{activity}/{name}"),
        }
    }
}

/// The groups of samples under one rule, and where they were put.
pub(super) struct Groups {
    /// The groups, by number.
    all: Vec<Group>,
    /// The group of each sample.
    of: Vec<usize>,
    /// The side of each group.
    sides: Vec<Split>,
}

/// Splits by a rule that keeps groups whole.
pub(super) fn assign(
    samples: &[Facts],
    classes: &[String],
    options: &SplitOptions,
) -> Result<(Assignment, Groups), SplitError> {
    let (all, of) = number(samples, classes, options.rule)?;
    let allowed = allowed(&all, options)?;
    // Sites, applications and tunnels are few: of three, two to fit on are worth more than one
    // to choose on, for which runs of the two can stand in.
    let are_few = matches!(
        options.rule,
        SplitRule::Site | SplitRule::Application | SplitRule::Tunnel
    );
    let taken = usize::from(!options.hold_out.is_empty());
    let places = whole::Groups {
        of: &of,
        allowed: &allowed,
        spare: Spare {
            least: if are_few { 4 } else { 3 } - taken,
            is_strict: are_few,
        },
    };
    let sides = whole::assign(samples, places, classes.len(), options);
    let mut splits: Vec<Option<Split>> = of.iter().map(|&group| Some(sides[group])).collect();
    let mut validation_by_run = Vec::new();
    if are_few {
        runs::mend(samples, &mut splits, options);
        validation_by_run = runs::draw_validation(samples, &mut splits, options);
    }
    let mut names: BTreeMap<Split, Vec<String>> = BTreeMap::new();
    for (group, &side) in all.iter().zip(&sides) {
        if !matches!(group, Group::Direct(_)) {
            names.entry(side).or_default().push(group.to_string());
        }
    }
    for names in names.values_mut() {
        names.sort();
    }
    let assignment = Assignment {
        splits,
        untestable: Vec::new(),
        groups: names,
        validation_by_run,
    };
    Ok((assignment, Groups { all, of, sides }))
}

/// The groups in the order in which they appear, and which each sample is of.
fn number(
    samples: &[Facts],
    classes: &[String],
    rule: SplitRule,
) -> Result<(Vec<Group>, Vec<usize>), SplitError> {
    if rule == SplitRule::Tunnel && samples.iter().all(|s| s.provenance.tunnel.is_none()) {
        return Err(SplitError::NoTunnel);
    }
    let activities: Vec<Arc<str>> = classes.iter().map(|class| activity(class).into()).collect();
    let mut numbers: HashMap<Group, usize> = HashMap::new();
    let (mut all, mut of) = (Vec::new(), Vec::with_capacity(samples.len()));
    let mut missing: Option<(&'static str, usize)> = None;
    for sample in samples {
        match group(sample, &activities, rule) {
            Ok(group) => of.push(*numbers.entry(group).or_insert_with_key(|group| {
                all.push(group.clone());
                all.len() - 1
            })),
            Err(what) => missing.get_or_insert((what, 0)).1 += 1,
        }
    }
    match missing {
        None => Ok((all, of)),
        Some((what, missing)) => Err(SplitError::NotKnown {
            rule,
            what,
            missing,
            samples: samples.len(),
        }),
    }
}

/// The group of one sample, or what is not known of it.
fn group(sample: &Facts, activities: &[Arc<str>], rule: SplitRule) -> Result<Group, &'static str> {
    let facts = &sample.provenance;
    let of_activity = |name: &Option<Arc<str>>, what| {
        let activity = Arc::clone(&activities[sample.label as usize]);
        let group = |name: &Arc<str>| Group::OfActivity(activity, Arc::clone(name));
        name.as_ref().map(group).ok_or(what)
    };
    let run = || facts.run.clone().ok_or("run");
    match rule {
        SplitRule::Run => run().map(Group::Named),
        SplitRule::Site => of_activity(&facts.site, "site"),
        SplitRule::Application => of_activity(&facts.application, "application"),
        SplitRule::Tunnel => match &facts.tunnel {
            Some(tunnel) => Ok(Group::Named(Arc::clone(tunnel))),
            None => run().map(Group::Direct),
        },
        SplitRule::Capture | SplitRule::Session | SplitRule::Given => {
            Ok(Group::Named(Arc::clone(&sample.group)))
        }
    }
}

/// Where each group may be: anywhere, unless groups to test on are named.
fn allowed(all: &[Group], options: &SplitOptions) -> Result<Vec<[bool; 3]>, SplitError> {
    let stray = options
        .hold_out
        .iter()
        .find(|name| !all.iter().any(|group| group.is_called(name)));
    if let Some(name) = stray {
        return Err(SplitError::UnknownGroup {
            rule: options.rule,
            name: name.clone(),
            known: listed(
                all.iter()
                    .filter(|group| !matches!(group, Group::Direct(_))),
            ),
        });
    }
    let allowed = |group: &Group| {
        let is_free = options.hold_out.is_empty() || matches!(group, Group::Direct(_));
        let is_named = options.hold_out.iter().any(|name| group.is_called(name));
        match (is_free, is_named) {
            (true, _) => [true; 3],
            (false, true) => [false, false, true],
            (false, false) => [true, true, false],
        }
    };
    Ok(all.iter().map(allowed).collect())
}

/// Groups by name, the first few if they are many.
fn listed<'a>(groups: impl Iterator<Item = &'a Group>) -> String {
    const SHOWN: usize = 20;
    let names: BTreeSet<String> = groups.map(Group::to_string).collect();
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<String> = names.into_iter().take(SHOWN).collect();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", shown.join(", "))
}

impl Groups {
    /// Why a class of two samples or more cannot be on both sides.
    pub(super) fn reason(&self, samples: &[Facts], label: u32, options: &SplitOptions) -> String {
        let members = samples.iter().zip(&self.of);
        let members = members.filter(|(sample, _)| sample.label == label);
        let count = members.clone().count();
        let own: BTreeSet<usize> = members.map(|(_, &group)| group).collect();
        let is_test = |&group: &usize| self.sides[group] == Split::Test;
        let noun = match options.rule {
            SplitRule::Capture => "group".to_owned(),
            rule => rule.to_string(),
        };
        if !options.hold_out.is_empty() && !own.iter().any(is_test) {
            let names = listed(own.iter().map(|&group| &self.all[group]));
            return format!("none of its {noun}s is held out: {names}");
        }
        if !options.hold_out.is_empty() && own.iter().all(is_test) {
            return format!("all of its {noun}s are held out");
        }
        match (own.len(), options.rule) {
            (1, SplitRule::Capture) => format!("its {count} samples are one group"),
            (1, _) => format!("its {count} samples are of one {noun}"),
            (groups, SplitRule::Capture) => {
                format!("its {count} samples are {groups} groups, tied to those of other classes")
            }
            (groups, _) if own.iter().any(is_test) && !own.iter().all(is_test) => {
                format!("its {count} samples are of {groups} {noun}s, but the same runs")
            }
            (groups, _) => format!(
                "its {count} samples are of {groups} {noun}s, tied to those of other classes"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Untestable, assign};
    use super::*;
    use crate::dataset::provenance::Provenance;

    const CLASSES: [&str; 4] = ["Email", "VoIP", "VPN-Email", "VPN-VoIP"];

    /// Samples of (label, run, what the rule goes by, how many): site and application are that,
    /// and so is the tunnel of a class that has one.
    fn samples(blocks: &[(u32, &str, &str, usize)]) -> Vec<Facts> {
        let block = |&(label, run, name, count): &(u32, &str, &str, usize)| {
            let name: Arc<str> = name.into();
            let sample = Facts {
                label,
                capture: 0,
                group: run.into(),
                provenance: Provenance {
                    run: Some(run.into()),
                    site: Some(Arc::clone(&name)),
                    application: Some(Arc::clone(&name)),
                    tunnel: (label >= 2).then_some(name),
                },
                given: None,
                digest: [0; 32],
                is_empty: false,
                is_background: false,
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
}
