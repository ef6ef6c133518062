//! Tasks: what a field may tell, beside the classes themselves.

use serde::{Deserialize, Serialize};

/// What begins the name of a class that is inside of a tunnel.
const TUNNELLED: &str = "vpn-";

/// A question that a sample's class answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What it is called.
    pub name: TaskName,
    /// Its answers.
    pub answers: Vec<String>,
    /// The answer of each class, `[classes]`.
    pub of_class: Vec<u32>,
}

/// The tasks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskName {
    /// Which class?
    Class,
    /// Inside of a tunnel, or not?
    Tunnel,
    /// Which activity, inside of a tunnel or not?
    Activity,
}

impl TaskName {
    /// As people read it.
    pub fn question(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Tunnel => "tunnel or not",
            Self::Activity => "activity",
        }
    }
}

impl Task {
    /// The tasks of these classes: where some are inside of a tunnel and others not, three.
    pub fn all(classes: &[String]) -> Vec<Self> {
        let mut tasks = vec![Self {
            name: TaskName::Class,
            answers: classes.to_vec(),
            of_class: (0..classes.len() as u32).collect(),
        }];
        let tunnelled = |class: &str| {
            let is_long = class.len() > TUNNELLED.len() && class.is_char_boundary(TUNNELLED.len());
            is_long && class[..TUNNELLED.len()].eq_ignore_ascii_case(TUNNELLED)
        };
        let inside: Vec<bool> = classes.iter().map(|class| tunnelled(class)).collect();
        if !inside.contains(&true) || !inside.contains(&false) {
            return tasks;
        }
        tasks.push(Self {
            name: TaskName::Tunnel,
            answers: vec!["not".to_owned(), "in a tunnel".to_owned()],
            of_class: inside.iter().map(|&inside| u32::from(inside)).collect(),
        });
        let mut answers: Vec<String> = Vec::new();
        let mut of_class = Vec::new();
        for (class, &inside) in classes.iter().zip(&inside) {
            let activity = if inside {
                &class[TUNNELLED.len()..]
            } else {
                class
            };
            let known = answers.iter().position(|answer| answer == activity);
            of_class.push(known.unwrap_or(answers.len()) as u32);
            if known.is_none() {
                answers.push(activity.to_owned());
            }
        }
        if answers.len() > 1 {
            tasks.push(Self {
                name: TaskName::Activity,
                answers,
                of_class,
            });
        }
        tasks
    }

    /// The answers that are right for these labels.
    pub fn labels(&self, labels: &[u32]) -> Vec<u32> {
        labels
            .iter()
            .map(|&label| self.of_class[label as usize])
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(classes: &[&str], expected: &[(TaskName, &[u32])]) {
        let classes: Vec<String> = classes.iter().map(|&class| class.to_owned()).collect();
        let found = Task::all(&classes);
        let found: Vec<_> = found
            .iter()
            .map(|task| (task.name, task.of_class.as_slice()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn classes_without_tunnels_are_one_task() {
        check(&["Chat", "Email"], &[(TaskName::Class, &[0, 1])]);
    }

    #[test]
    fn tunnelled_classes_ask_for_the_tunnel_and_the_activity_too() {
        check(
            &["Chat", "Email", "VPN-Email", "VPN-Chat"],
            &[
                (TaskName::Class, &[0, 1, 2, 3]),
                (TaskName::Tunnel, &[0, 0, 1, 1]),
                (TaskName::Activity, &[0, 1, 1, 0]),
            ],
        );
    }

    #[test]
    fn one_activity_is_no_question() {
        check(
            &["Chat", "vpn-Chat"],
            &[(TaskName::Class, &[0, 1]), (TaskName::Tunnel, &[0, 1])],
        );
    }
}
