//! Groups: what sessions are added up in, and how groups are told apart by colour.

use learn::classifier::Verdict;

/// How a group is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shade {
    /// A colour of its own, by number.
    Full(usize),
    /// The same colour, paler: the same activity inside of a tunnel.
    Pale(usize),
    /// None: the model is not sure.
    Grey,
    /// None: the model was not asked.
    Faint,
}

/// The classes of a model, then `unknown`, `background` and `empty`.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    names: Vec<String>,
    shades: Vec<Shade>,
    classes: usize,
}

/// What classes of traffic inside of a tunnel begin with.
const TUNNELLED: &str = "VPN-";

impl Groups {
    /// Those of a model with these classes.
    pub(super) fn of(classes: &[String]) -> Self {
        let others = ["unknown", "background", "empty"].map(str::to_owned);
        Self {
            names: classes.iter().cloned().chain(others).collect(),
            shades: shades(classes)
                .into_iter()
                .chain([Shade::Grey, Shade::Faint, Shade::Faint])
                .collect(),
            classes: classes.len(),
        }
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// What it is called.
    pub(crate) fn name(&self, group: usize) -> &str {
        &self.names[group]
    }

    /// How it is coloured.
    pub(crate) fn shade(&self, group: usize) -> Shade {
        self.shades[group]
    }

    /// The group of sessions that are unknown; those before it are of classes.
    pub(super) fn unknown(&self) -> usize {
        self.classes
    }

    /// The group of a verdict.
    pub(super) fn of_verdict(&self, verdict: Verdict) -> usize {
        match verdict {
            Verdict::Class { label, .. } => label as usize,
            Verdict::Unknown { .. } => self.classes,
            Verdict::Background(_) => self.classes + 1,
            Verdict::Empty => self.classes + 2,
        }
    }
}

/// A colour for each activity; inside of a tunnel, the paler one.
fn shades(classes: &[String]) -> Vec<Shade> {
    let mut activities: Vec<&str> = Vec::new();
    let mut shades = Vec::with_capacity(classes.len());
    for class in classes {
        let inside = class.strip_prefix(TUNNELLED);
        let activity = inside.unwrap_or(class);
        let known = activities.iter().position(|&other| other == activity);
        let colour = known.unwrap_or(activities.len());
        if known.is_none() {
            activities.push(activity);
        }
        shades.push(match inside {
            Some(_) => Shade::Pale(colour),
            None => Shade::Full(colour),
        });
    }
    shades
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activity_has_the_same_colour_inside_of_a_tunnel() {
        let classes = ["Chat", "P2P", "VPN-Chat", "VPN-P2P"].map(str::to_owned);
        let expected = [
            Shade::Full(0),
            Shade::Full(1),
            Shade::Pale(0),
            Shade::Pale(1),
        ];
        assert_eq!(shades(&classes), expected);
    }

    #[test]
    fn what_is_of_no_class_has_no_colour() {
        let groups = Groups::of(&["Chat".to_owned()]);
        let empty = groups.of_verdict(Verdict::Empty);
        assert_eq!(groups.name(empty), "empty");
        assert_eq!(groups.shade(empty), Shade::Faint);
    }
}
