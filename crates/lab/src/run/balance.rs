//! Which class and tunnel comes next: the one of which the data set has least.
//!
//! A class counts once direct and once in tunnels. Direct, its score is its accepted sessions; in
//! tunnels, the lesser of its inner sessions and [`OUTER_WEIGHT`] times its outer ones, of which
//! a run makes one. Runs in progress count with what such runs have brought so far. The lowest
//! score comes next, and among the tunnels of a class likewise. What brings nothing again and
//! again is asked for ever less often.

use std::collections::BTreeMap;

use super::plan::Category;
use crate::catalogue::Class;

/// What an outer session is worth in inner ones.
const OUTER_WEIGHT: f64 = 8.0;

/// What a run is expected to bring before there has been one.
const FIRST_YIELD: f64 = 6.0;

/// How much runs without a session count: this times the square of how many came in a row.
const PATIENCE: f64 = 5.0;

/// What a category has brought.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Count {
    runs: u32,
    running: u32,
    /// Direct or inner.
    accepted: u64,
    outer: u64,
    /// Runs without an accepted session since the last with one.
    in_vain: u32,
}

impl Count {
    /// Accepted sessions of a run.
    fn expected(self) -> f64 {
        (FIRST_YIELD + self.accepted as f64) / f64::from(self.runs + 1)
    }

    fn penalty(self) -> f64 {
        PATIENCE * f64::from(self.in_vain * self.in_vain)
    }

    fn score(self) -> f64 {
        self.accepted as f64 + f64::from(self.running) * self.expected() + self.penalty()
    }

    /// The same by outer sessions.
    fn outer_score(self) -> f64 {
        OUTER_WEIGHT * (self.outer as f64 + f64::from(self.running)) + self.penalty()
    }
}

/// The categories that can be run, and what each has brought.
#[derive(Debug)]
pub(crate) struct Balance {
    counts: BTreeMap<Category, Count>,
}

impl Balance {
    /// None of them has brought anything.
    pub(crate) fn new(categories: impl IntoIterator<Item = Category>) -> Self {
        Self {
            counts: categories
                .into_iter()
                .map(|category| (category, Count::default()))
                .collect(),
        }
    }

    /// Counts a run that was made earlier; one of no category here does not matter.
    pub(crate) fn remember(&mut self, category: &Category, accepted: u64, outer: u64) {
        if let Some(count) = self.counts.get_mut(category) {
            count.runs += 1;
            count.accepted += accepted;
            count.outer += outer;
            count.in_vain = if accepted == 0 { count.in_vain + 1 } else { 0 };
        }
    }

    /// The category of the next run, of those that are possible; it counts as in progress from
    /// now on. `None` if none is possible.
    pub(crate) fn next(&mut self, is_possible: &dyn Fn(&Category) -> bool) -> Option<Category> {
        let mut groups: BTreeMap<(Class, bool), (f64, f64)> = BTreeMap::new();
        let possible = self
            .counts
            .iter()
            .filter(|(category, _)| is_possible(category));
        for (category, count) in possible {
            let key = (category.class, category.tunnel.is_some());
            let (score, outer) = groups.entry(key).or_default();
            *score += count.score();
            *outer += count.outer_score();
        }
        let (class, is_tunnelled) = groups
            .into_iter()
            .map(|(group, (score, outer))| {
                let (_, is_tunnelled) = group;
                (
                    if is_tunnelled {
                        score.min(outer)
                    } else {
                        score
                    },
                    group,
                )
            })
            .min_by(|(one, _), (other, _)| one.total_cmp(other))
            .map(|(_, group)| group)?;
        let (category, count) = self
            .counts
            .iter_mut()
            .filter(|(category, _)| {
                category.class == class
                    && category.tunnel.is_some() == is_tunnelled
                    && is_possible(category)
            })
            .min_by(|(_, one), (_, other)| one.score().total_cmp(&other.score()))?;
        count.running += 1;
        Some(category.clone())
    }

    /// A run that [`Balance::next`] gave out has ended.
    pub(crate) fn finish(&mut self, category: &Category, accepted: u64, outer: u64) {
        self.give_back(category);
        self.remember(category, accepted, outer);
    }

    /// A run that [`Balance::next`] gave out was not made after all.
    pub(crate) fn give_back(&mut self, category: &Category) {
        if let Some(count) = self.counts.get_mut(category) {
            count.running = count.running.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn category(class: Class, tunnel: Option<&str>) -> Category {
        Category {
            class,
            tunnel: tunnel.map(str::to_owned),
        }
    }

    fn balance() -> Balance {
        Balance::new([
            category(Class::Chat, None),
            category(Class::Chat, Some("one")),
            category(Class::Chat, Some("two")),
            category(Class::Email, None),
        ])
    }

    #[test]
    fn what_has_least_comes_next() {
        let mut balance = balance();
        balance.remember(&category(Class::Chat, None), 20, 0);
        balance.remember(&category(Class::Chat, Some("one")), 30, 9);
        balance.remember(&category(Class::Chat, Some("two")), 31, 9);
        assert_eq!(balance.next(&|_| true), Some(category(Class::Email, None)));
    }

    #[test]
    fn few_outer_sessions_call_for_runs_as_few_inner_ones_do() {
        let mut balance = balance();
        balance.remember(&category(Class::Chat, None), 40, 0);
        balance.remember(&category(Class::Email, None), 40, 0);
        // 90 inner sessions, but 8 times 2 outer ones; `two` has the fewer of them.
        balance.remember(&category(Class::Chat, Some("one")), 60, 1);
        balance.remember(&category(Class::Chat, Some("two")), 30, 1);
        assert_eq!(
            balance.next(&|_| true),
            Some(category(Class::Chat, Some("two")))
        );
    }

    #[test]
    fn workers_that_begin_together_spread_over_what_there_is() {
        let mut balance = balance();
        let mut taken: Vec<Category> = (0..4).filter_map(|_| balance.next(&|_| true)).collect();
        taken.sort();
        taken.dedup();
        assert!(taken.len() >= 3, "{taken:?}");
    }

    #[test]
    fn what_is_not_possible_is_passed_over() {
        let mut balance = balance();
        let next = balance.next(&|category| category.tunnel.as_deref() == Some("two"));
        assert_eq!(next, Some(category(Class::Chat, Some("two"))));
        assert_eq!(balance.next(&|_| false), None);
    }

    #[test]
    fn what_brings_nothing_is_asked_for_less_and_less() {
        let mut balance = balance();
        let broken = category(Class::Email, None);
        let mut in_vain = 0;
        for _ in 0..200 {
            let category = balance.next(&|_| true).unwrap();
            if category == broken {
                in_vain += 1;
                balance.finish(&category, 0, 0);
            } else {
                balance.finish(&category, 6, u64::from(category.tunnel.is_some()));
            }
        }
        // 200 runs bring some 600 sessions a group: 5 n² passes that before n is 12.
        assert!((3..=12).contains(&in_vain), "{in_vain}");
    }
}
