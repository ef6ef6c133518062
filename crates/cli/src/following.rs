//! Following: frames come in on one thread, the network is asked on another, and whoever follows
//! hears what comes of it.

mod arguments;
mod capturing;
mod clock;
mod counts;
#[cfg(test)]
pub(crate) mod example;
mod handing;
mod health;
#[cfg(feature = "live")]
mod interface;
mod judging;
mod relay;
mod replay;
mod source;
mod verdicts;
mod waiting;

use std::{
    sync::{
        atomic::AtomicBool,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

use learn::classifier::Classifier;
use traffic::session_table::Glimpses;

use self::{capturing::capture, judging::judge, waiting::Waiting};

#[cfg(feature = "top")]
pub(crate) use self::counts::Reading;
pub(crate) use self::{
    arguments::FollowingArguments,
    capturing::Captured,
    clock::now,
    counts::Counts,
    handing::QUEUE,
    judging::{News, Told},
    replay::Speed,
    source::{InterfaceOptions, Source},
    verdicts::{DRIFT_SESSIONS, Said},
};

/// Who is asked about which sessions, and how it goes.
#[derive(Clone, Copy)]
pub(crate) struct Following<'a> {
    /// Who says what sessions are.
    pub(crate) classifier: &'a Classifier,
    /// When open sessions are shown.
    pub(crate) glimpses: &'a Glimpses,
    /// What was done so far, for whoever asks meanwhile.
    pub(crate) counts: &'a Counts,
    /// Ends it once set.
    pub(crate) stop: &'a AtomicBool,
}

impl Following<'_> {
    /// Captures and asks on threads of their own until the source ends, `stop` is set or `listen`,
    /// which gets the news on this thread, is over.
    pub(crate) fn follow(
        &self,
        source: Source,
        listen: impl FnOnce(Receiver<News>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Captured> {
        let mut cut = self.classifier.options().cut.clone();
        cut.glimpses = self.glimpses.clone();
        thread::scope(|scope| {
            let (asked, questions) = sync_channel(QUEUE);
            let (told, news) = sync_channel(QUEUE);
            let batch = self.classifier.options().batch.get();
            let waiting = if source.waits() {
                Waiting::from_capture(batch)
            } else {
                Waiting::from_wire(batch)
            };
            let handing = handing::Handing::new(asked, &source, self.counts, self.glimpses);
            let capturing = scope.spawn(|| capture(source, &cut, handing, self.stop));
            scope.spawn(move || judge(self.classifier, waiting, &questions, &told, self.counts));
            listen(news)?;
            let captured = capturing.join();
            Ok(captured.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }
}
