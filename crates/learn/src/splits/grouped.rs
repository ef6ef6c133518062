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
        if !matches!(group, Group::Direct(_)) && options.rule != SplitRule::Connection {
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
        Some((_, missing)) if rule == SplitRule::Connection => Err(SplitError::NoConversation {
            missing,
            samples: samples.len(),
        }),
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
        SplitRule::Connection => {
            let conversation = sample.conversation.clone().ok_or("conversation");
            conversation.map(Group::Named)
        }
        SplitRule::Run => run().map(Group::Named),
        SplitRule::Site => of_activity(&facts.site, "site"),
        SplitRule::Application => of_activity(&facts.application, "application"),
        SplitRule::Tunnel => match &facts.tunnel {
            Some(tunnel) => Ok(Group::Named(Arc::clone(tunnel))),
            None => run().map(Group::Direct),
        },
        SplitRule::Capture | SplitRule::Session | SplitRule::Time | SplitRule::Given => {
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
mod tests;
