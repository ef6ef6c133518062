//! The overview that screens show: what is said of sessions, added up as it is heard.

#[cfg(test)]
pub(crate) mod example;
mod group;
mod line;
mod lines;
mod timeline;

use learn::classifier::{Classifier, Moment};
use traffic::{session::Session, timestamp::Timestamp};

use crate::following::News;

pub(crate) use self::{
    group::{Groups, Shade},
    line::Line,
    lines::Order,
    timeline::Extent,
};
use self::{
    lines::Lines,
    timeline::{Bars, Timeline},
};

/// What is added up of the sessions of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) sessions: u64,
    pub(crate) bytes: u64,
}

/// Everything that was heard so far, in bounded memory.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    groups: Groups,
    /// Ended sessions, `[groups]`.
    ended: Vec<Sum>,
    timeline: Timeline,
    lines: Lines,
    /// Time of the latest packet.
    latest: Option<Timestamp>,
}

impl Overview {
    /// Nothing yet, of verdicts by this classifier; the timeline has room for so much.
    pub(crate) fn new(classifier: &Classifier, extent: Extent) -> Self {
        Self::of_classes(&classifier.model().contract().classes, extent)
    }

    /// Nothing yet, of verdicts with these classes.
    pub(crate) fn of_classes(classes: &[String], extent: Extent) -> Self {
        let groups = Groups::of(classes);
        Self {
            ended: vec![Sum::default(); groups.len()],
            groups,
            timeline: Timeline::new(extent),
            lines: Lines::default(),
            latest: None,
        }
    }

    /// Takes in what is heard of a session.
    pub(crate) fn hear(&mut self, news: &News) {
        match news {
            News::Grown(session) => {
                self.notice(session);
                self.lines.grow(session, &mut self.timeline);
            }
            News::Told(told) => {
                let session = &told.session;
                self.notice(session);
                let group = self.groups.of_verdict(told.verdict);
                if told.moment == Moment::End {
                    let sum = &mut self.ended[group];
                    sum.sessions += 1;
                    sum.bytes += session.bytes;
                }
                self.lines.tell(told, group, &mut self.timeline);
            }
        }
    }

    fn notice(&mut self, session: &Session) {
        self.latest = self.latest.max(Some(session.end));
    }

    /// The groups that sessions are added up in.
    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Time of the latest packet.
    pub(crate) fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// What there was of each group, `[groups]`: ended sessions, and open ones so far.
    pub(crate) fn sums(&self) -> Vec<Sum> {
        let mut sums = self.ended.clone();
        for line in self.lines.open() {
            if let Some(group) = line.group {
                sums[group].sessions += 1;
                sums[group].bytes += line.bytes;
            }
        }
        sums
    }

    /// The groups that there are sessions of.
    pub(crate) fn present(&self) -> Vec<usize> {
        let sums = self.sums();
        (0..sums.len())
            .filter(|&group| sums[group].sessions > 0)
            .collect()
    }

    /// Ended sessions.
    pub(crate) fn told(&self) -> u64 {
        self.ended.iter().map(|sum| sum.sessions).sum()
    }

    /// Of the sessions that the model was asked about, open ones among them, how many are unknown.
    pub(crate) fn unknown(&self) -> Option<f64> {
        let sums = self.sums();
        let asked: u64 = sums[..=self.groups.unknown()]
            .iter()
            .map(|sum| sum.sessions)
            .sum();
        let unknown = sums[self.groups.unknown()].sessions;
        (asked > 0).then(|| unknown as f64 / asked as f64)
    }

    /// Bytes by group over time.
    pub(crate) fn bars(&self) -> Bars<'_> {
        self.timeline.bars()
    }

    /// Sessions that are kept, open and ended; of one group or of all.
    pub(crate) fn kept(&self, group: Option<usize>) -> usize {
        self.lines.count(group)
    }

    /// The first sessions in that order, of one group or of all.
    pub(crate) fn lines(&self, order: Order, group: Option<usize>, most: usize) -> Vec<&Line> {
        self.lines.first(order, group, most)
    }
}

#[cfg(test)]
mod tests {
    use learn::classifier::Verdict;

    use super::{
        example::{class, glimpse_and_end, told},
        *,
    };

    fn overview(news: &[News]) -> Overview {
        let classes = ["Chat", "VPN-Chat"].map(str::to_owned);
        let mut overview = Overview::of_classes(&classes, Extent::Whole);
        for one in news {
            overview.hear(one);
        }
        overview
    }

    fn sum(session: &Session) -> Sum {
        Sum {
            sessions: 1,
            bytes: session.bytes,
        }
    }

    #[test]
    fn an_open_session_counts_once_and_where_it_was_put_last() {
        let [glimpse, end] = glimpse_and_end();
        let mut news = vec![
            told(&glimpse, class(1), Moment::First),
            News::Grown(Box::new(glimpse.clone())),
        ];
        let open = overview(&news);
        assert_eq!(open.sums()[..2], [Sum::default(), sum(&glimpse)]);
        assert_eq!((open.told(), open.kept(None)), (0, 1));
        news.push(told(&end, class(0), Moment::End));
        let ended = overview(&news);
        assert_eq!(ended.sums()[..2], [sum(&end), Sum::default()]);
        assert_eq!((ended.told(), ended.kept(None)), (1, 1));
    }

    #[test]
    fn the_timeline_has_every_byte_once() {
        let [glimpse, end] = glimpse_and_end();
        let seen = overview(&[
            told(&glimpse, class(1), Moment::First),
            News::Grown(Box::new(glimpse)),
            told(&end, class(1), Moment::End),
        ]);
        let bars = seen.bars();
        assert_eq!(bars.bytes.into_iter().flatten().sum::<u64>(), end.bytes);
    }

    #[test]
    fn the_share_of_unknown_sessions_is_of_those_that_the_model_was_asked_about() {
        let [_, end] = glimpse_and_end();
        assert_eq!(overview(&[]).unknown(), None);
        let unknown = Verdict::Unknown {
            nearest: 0,
            confidence: 0.2,
        };
        let news = [class(0), unknown, Verdict::Empty].map(|one| told(&end, one, Moment::End));
        assert_eq!(overview(&news).unknown(), Some(0.5));
    }

    #[test]
    fn sessions_come_in_the_order_asked_for() {
        let overview = example::overview();
        let ports = |order| {
            let lines = overview.lines(order, None, 3).into_iter();
            lines.map(|line| line.client.port()).collect::<Vec<_>>()
        };
        assert_eq!(ports(Order::Latest), [40_005, 40_004, 40_003]);
        assert_eq!(ports(Order::Bytes), [40_002, 40_003, 40_004]);
        assert_eq!(ports(Order::Confidence), [40_003, 40_002, 40_001]);
        assert_eq!(ports(Order::Class), [40_001, 40_002, 40_003]);
    }
}
