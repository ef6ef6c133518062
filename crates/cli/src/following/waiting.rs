//! Waiting: questions that the network has no time for yet, and which of them comes next.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::mpsc::Receiver,
};

use learn::classifier::SessionName;
use traffic::session::SessionEnd;

use super::handing::{QUEUE, Question};

/// Batches that wait where many questions do.
const BATCHES: usize = 2;

/// Of what is taken out at once, the share that is for sessions that have ended, if there are any.
const ENDED_SHARE: usize = 4;

/// Questions that wait.
///
/// From a wire, open sessions come first, since somebody may still act upon what they are. Where many
/// questions wait, of each only the latest is kept: it says more than those before it, and is
/// answered in their place. No question about a session waits behind the one about its end.
pub(super) struct Waiting {
    order: Order,
    /// How many are taken in.
    room: usize,
    /// Those that come one after another.
    in_turn: VecDeque<Question>,
    /// Those about open sessions, by when the first came that each stands for.
    open: BTreeMap<u64, Question>,
    places: BTreeMap<SessionName, u64>,
    came: u64,
    /// How many of `in_turn` there are of each name.
    ending: BTreeMap<SessionName, usize>,
    /// Sessions that have ended, and that nobody asks about.
    forgotten: Vec<SessionName>,
}

/// Which question comes next.
enum Order {
    /// The one that came first: nothing is left out.
    InTurn,
    /// One about an open session; more than so many are many.
    OpenFirst(usize),
}

impl Waiting {
    /// None yet, from a wire, to be taken out so many at once.
    pub(super) fn from_wire(batch: usize) -> Self {
        Self::new(Order::OpenFirst(BATCHES * batch), QUEUE)
    }

    /// None yet, from what can wait: it is held up where it is ahead.
    pub(super) fn from_capture(batch: usize) -> Self {
        Self::new(Order::InTurn, batch)
    }

    fn new(order: Order, room: usize) -> Self {
        Self {
            order,
            room,
            in_turn: VecDeque::new(),
            open: BTreeMap::new(),
            places: BTreeMap::new(),
            came: 0,
            ending: BTreeMap::new(),
            forgotten: Vec::new(),
        }
    }

    fn len(&self) -> usize {
        self.in_turn.len() + self.open.len()
    }

    /// Takes in what has come, of which there is something before it returns; those that are left
    /// out, or nothing if nobody asks any more and all is taken.
    pub(super) fn fill(&mut self, questions: &Receiver<Question>) -> Option<Vec<Question>> {
        let mut left_out = Vec::new();
        if self.len() == 0 {
            self.add(questions.recv().ok()?, &mut left_out);
        }
        while self.len() < self.room
            && let Ok(question) = questions.try_recv()
        {
            self.add(question, &mut left_out);
        }
        Some(left_out)
    }

    fn add(&mut self, mut question: Question, left_out: &mut Vec<Question>) {
        for name in mem::take(&mut question.forgotten) {
            left_out.extend(self.withdraw(name));
            self.forgotten.push(name);
        }
        let Order::OpenFirst(many) = self.order else {
            self.in_turn.push_back(question);
            return;
        };
        let name = SessionName::from(&*question.session);
        if question.session.end_reason != SessionEnd::Open {
            left_out.extend(self.withdraw(name));
            *self.ending.entry(name).or_default() += 1;
            self.in_turn.push_back(question);
        } else if self.ending.contains_key(&name) {
            left_out.push(question);
        } else {
            left_out.extend(self.add_open(name, question, many));
        }
    }

    /// Takes in a question about an open session; the one that it replaces, if it does.
    fn add_open(
        &mut self,
        name: SessionName,
        mut question: Question,
        many: usize,
    ) -> Option<Question> {
        let is_many = self.len() > many;
        let before = self.places.get(&name).filter(|_| is_many);
        if let Some(before) = before.and_then(|place| self.open.get_mut(place)) {
            question.has_only_grown &= before.has_only_grown;
            return Some(mem::replace(before, question));
        }
        self.places.insert(name, self.came);
        self.open.insert(self.came, question);
        self.came += 1;
        None
    }

    /// Takes back all that was asked about the open session of that name.
    fn withdraw(&mut self, name: SessionName) -> Vec<Question> {
        if self.places.remove(&name).is_none() {
            return Vec::new();
        }
        let is_of = |_: &u64, one: &mut Question| SessionName::from(&*one.session) == name;
        self.open
            .extract_if(.., is_of)
            .map(|(_, one)| one)
            .collect()
    }

    /// Takes out those that come next, so many at most.
    pub(super) fn take(&mut self, most: usize) -> Vec<Question> {
        let for_ended = (most / ENDED_SHARE).max(1).min(self.in_turn.len());
        let mut taken = Vec::with_capacity(most);
        while taken.len() + for_ended < most
            && let Some((place, question)) = self.open.pop_first()
        {
            let name = SessionName::from(&*question.session);
            if self.places.get(&name) == Some(&place) {
                self.places.remove(&name);
            }
            taken.push(question);
        }
        while taken.len() < most
            && let Some(question) = self.in_turn.pop_front()
        {
            let name = SessionName::from(&*question.session);
            if let Some(count) = self.ending.get_mut(&name) {
                *count -= 1;
                if *count == 0 {
                    self.ending.remove(&name);
                }
            }
            taken.push(question);
        }
        taken
    }

    /// Sessions that have ended since the last time, and that nobody asks about.
    pub(super) fn forgotten(&mut self) -> Vec<SessionName> {
        mem::take(&mut self.forgotten)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::{super::example::session, *};

    /// A question about a session of that client port after so many packets.
    fn question(port: u16, packets: u64, end_reason: SessionEnd) -> Question {
        let mut session = session();
        session.five_tuple.source.set_port(port);
        session.packets = packets;
        session.end_reason = end_reason;
        Question {
            session: Box::new(session),
            has_only_grown: false,
            forgotten: Vec::new(),
        }
    }

    fn open(port: u16, packets: u64) -> Question {
        question(port, packets, SessionEnd::Open)
    }

    fn ended(port: u16, packets: u64) -> Question {
        question(port, packets, SessionEnd::Closed)
    }

    /// From a wire, with two questions being many.
    fn wire() -> Waiting {
        Waiting::new(Order::OpenFirst(1), 9)
    }

    /// Port and packets of each.
    fn about(questions: &[Question]) -> Vec<(u16, u64)> {
        let about = |one: &Question| (one.session.five_tuple.source.port(), one.session.packets);
        questions.iter().map(about).collect()
    }

    /// Takes these in; those that were left out.
    fn add(
        waiting: &mut Waiting,
        questions: impl IntoIterator<Item = Question>,
    ) -> Vec<(u16, u64)> {
        let mut left_out = Vec::new();
        for question in questions {
            waiting.add(question, &mut left_out);
        }
        about(&left_out)
    }

    #[test]
    fn what_can_wait_is_held_up_and_taken_as_it_came() {
        let (asked, questions) = sync_channel(9);
        for one in [open(1, 4), ended(1, 5), open(1, 4), open(1, 8), ended(1, 9)] {
            asked.send(one).unwrap();
        }
        let mut waiting = Waiting::from_capture(2);
        for expected in [[(1, 4), (1, 5)], [(1, 4), (1, 8)]] {
            assert!(waiting.fill(&questions).unwrap().is_empty());
            assert_eq!(about(&waiting.take(2)), expected);
        }
        drop(asked);
        assert!(waiting.fill(&questions).unwrap().is_empty());
        assert_eq!(about(&waiting.take(2)), [(1, 9)]);
        assert!(waiting.fill(&questions).is_none());
    }

    #[test]
    fn from_a_wire_open_sessions_come_first_and_ended_ones_have_a_share() {
        let mut waiting = Waiting::from_wire(4);
        let came = [
            ended(1, 9),
            ended(2, 9),
            open(3, 4),
            open(4, 4),
            open(5, 4),
            open(6, 4),
        ];
        assert_eq!(add(&mut waiting, came), []);
        let expected = [(3, 4), (4, 4), (5, 4), (1, 9)];
        assert_eq!(about(&waiting.take(4)), expected);
        assert_eq!(about(&waiting.take(4)), [(6, 4), (2, 9)]);
        assert!(waiting.places.is_empty() && waiting.ending.is_empty());
    }

    #[test]
    fn of_few_nothing_is_left_out() {
        let mut waiting = Waiting::from_wire(4);
        assert_eq!(add(&mut waiting, [open(1, 4), open(1, 8)]), []);
        assert_eq!(about(&waiting.take(1)), [(1, 4)]);
        assert_eq!(about(&waiting.take(9)), [(1, 8)]);
        assert!(waiting.places.is_empty());
    }

    #[test]
    fn of_many_the_latest_about_an_open_session_stays_in_the_place_of_the_first() {
        let mut waiting = wire();
        assert_eq!(add(&mut waiting, [open(1, 4), open(2, 4)]), []);
        assert_eq!(
            add(&mut waiting, [open(1, 8), open(2, 8)]),
            [(1, 4), (2, 4)]
        );
        assert_eq!(about(&waiting.take(9)), [(1, 8), (2, 8)]);
    }

    #[test]
    fn an_end_takes_the_place_of_all_that_was_asked_before_it() {
        let mut waiting = Waiting::from_wire(4);
        let came = [open(1, 4), open(1, 8), ended(1, 9)];
        assert_eq!(add(&mut waiting, came), [(1, 4), (1, 8)]);
        // The next of that name is not told of before it.
        assert_eq!(add(&mut waiting, [open(1, 4), ended(1, 5)]), [(1, 4)]);
        assert_eq!(about(&waiting.take(9)), [(1, 9), (1, 5)]);
        assert_eq!(add(&mut waiting, [open(1, 4)]), []);
    }

    #[test]
    fn what_is_forgotten_is_not_asked_about() {
        let mut waiting = Waiting::from_wire(4);
        add(&mut waiting, [open(1, 4)]);
        let mut other = open(2, 4);
        let name = SessionName::from(&*ended(1, 5).session);
        other.forgotten.push(name);
        assert_eq!(add(&mut waiting, [other]), [(1, 4)]);
        assert_eq!(waiting.forgotten(), [name]);
        assert_eq!(about(&waiting.take(9)), [(2, 4)]);
    }
}
