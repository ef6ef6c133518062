//! Judging: the thread that asks the network about sessions as they come.

use std::{
    sync::mpsc::{Receiver, SyncSender},
    time::Instant,
};

use learn::classifier::{Classifier, Moment, Telling, Verdict};
use traffic::session::Session;

use super::{counts::Counts, handing::Question, waiting::Waiting};

/// What is heard of a session.
pub(crate) enum News {
    /// A verdict.
    Told(Told),
    /// It is open and has grown, and the network has said what it has to say until the end.
    Grown(Box<Session>),
}

/// A verdict to write down.
pub(crate) struct Told {
    pub(crate) session: Box<Session>,
    pub(crate) verdict: Verdict,
    pub(crate) moment: Moment,
}

/// Asks about the sessions that wait, at most a batch at once, until nobody asks or nobody listens.
///
/// A batch is what has come while the last one was judged: alone, a session is judged at once.
pub(super) fn judge(
    classifier: &Classifier,
    mut waiting: Waiting,
    questions: &Receiver<Question>,
    news: &SyncSender<News>,
    counts: &Counts,
) {
    let most = classifier.options().batch.get();
    let mut telling = Telling::default();
    while let Some(left_out) = waiting.fill(questions) {
        counts.take(left_out.len());
        let early = left_out.iter().filter(|question| !question.has_only_grown);
        early.for_each(|_| counts.leave_out_early());
        for name in waiting.forgotten() {
            telling.forget(name);
        }
        let mut sessions = Vec::with_capacity(most);
        // Of those that only grew; none for each that is asked about.
        let mut grown = Vec::with_capacity(most);
        for question in waiting.take(most) {
            if question.has_only_grown {
                grown.push(Some(question.session));
            } else {
                grown.push(None);
                sessions.push(*question.session);
            }
        }
        counts.take(grown.len());
        let begun = Instant::now();
        let verdicts = classifier.verdicts(&sessions);
        if !sessions.is_empty() {
            counts.infer(begun.elapsed());
        }
        let mut asked = sessions.into_iter().zip(verdicts);
        // In the order of the capture: of one session, the later is never heard first.
        for grown in grown {
            let heard = match grown {
                Some(session) => Some(News::Grown(session)),
                None => asked
                    .next()
                    .and_then(|(session, verdict)| told(session, verdict, &mut telling)),
            };
            if heard.is_some_and(|heard| news.send(heard).is_err()) {
                return;
            }
        }
    }
}

/// What is to be told of a verdict, if anything is.
fn told(session: Session, verdict: Verdict, telling: &mut Telling) -> Option<News> {
    let moment = telling.moment(&session, verdict)?;
    Some(News::Told(Told {
        session: Box::new(session),
        verdict,
        moment,
    }))
}
