//! Judging: the thread that asks the network about sessions as they come.

use std::{
    sync::mpsc::{Receiver, SyncSender},
    time::Instant,
};

use learn::classifier::{Classifier, Moment, Telling, Verdict};
use traffic::session::Session;

use super::{counts::Counts, handing::Question};

/// A verdict to write down.
pub(super) struct Told {
    pub(super) session: Box<Session>,
    pub(super) verdict: Verdict,
    pub(super) moment: Moment,
}

/// Asks about all sessions that wait, at most a batch at once, until nobody asks or nobody listens.
///
/// A batch is what has come while the last one was judged: alone, a session is judged at once.
pub(super) fn judge(
    classifier: &Classifier,
    questions: &Receiver<Question>,
    told: &SyncSender<Told>,
    counts: &Counts,
    is_told: &dyn Fn(Moment) -> bool,
) {
    let most = classifier.options().batch.get();
    let mut telling = Telling::default();
    while let Ok(first) = questions.recv() {
        let mut sessions = Vec::with_capacity(most);
        for question in std::iter::once(first).chain(questions.try_iter().take(most - 1)) {
            question.forgotten.into_iter().for_each(|name| {
                telling.forget(name);
            });
            sessions.push(*question.session);
        }
        counts.take(sessions.len());
        let begun = Instant::now();
        let verdicts = classifier.verdicts(&sessions);
        counts.infer(begun.elapsed());
        for (session, verdict) in sessions.into_iter().zip(verdicts) {
            let moment = telling.moment(&session, verdict);
            let Some(moment) = moment.filter(|&moment| is_told(moment)) else {
                continue;
            };
            let one = Told {
                session: Box::new(session),
                verdict,
                moment,
            };
            if told.send(one).is_err() {
                return;
            }
        }
    }
}
