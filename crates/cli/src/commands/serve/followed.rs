//! A source that is followed for the page: what was heard of it, and how it goes.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    mpsc::{Receiver, RecvError},
};

use serde::Serialize;

use super::Server;
use crate::{
    following::{Counts, Following, News, QUEUE, Source, Told},
    overview::Overview,
};

/// Where a source came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// From an interface of this machine.
    Interface,
    /// From a capture that the command line names.
    Capture,
    /// From a browser or another program.
    Upload,
}

/// One source.
pub(super) struct Followed {
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) counts: Counts,
    heard: Mutex<Heard>,
}

/// What was heard so far.
pub(super) struct Heard {
    pub(super) overview: Overview,
    /// Whether nothing more is to come.
    pub(super) has_ended: bool,
    /// Why it ended, if not as it should.
    pub(super) failure: Option<String>,
}

impl Followed {
    /// Nothing yet of that source.
    pub(super) fn new(
        number: u64,
        name: &str,
        kind: Kind,
        overview: Overview,
        counts: Counts,
    ) -> Self {
        Self {
            number,
            name: if name == "-" { "standard input" } else { name }.to_owned(),
            kind,
            counts,
            heard: Mutex::new(Heard {
                overview,
                has_ended: false,
                failure: None,
            }),
        }
    }

    /// What was heard so far.
    pub(super) fn heard(&self) -> MutexGuard<'_, Heard> {
        // Nothing is left half done by whoever panics while holding it.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows the source to its end; `tell` gets every verdict.
    pub(super) fn follow(
        &self,
        server: &Server,
        source: Source,
        tell: &mut dyn FnMut(&Told) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let following = Following {
            classifier: &server.classifier,
            glimpses: &server.glimpses,
            counts: &self.counts,
            stop: &server.stop,
        };
        let captured = following.follow(source, |news| self.listen(&news, tell));
        let outcome = captured.and_then(|captured| match captured.failure {
            Some(error) => Err(error),
            None => Ok(()),
        });
        self.end(outcome.as_ref().err());
        outcome
    }

    /// Nothing more is to come.
    pub(super) fn end(&self, failure: Option<&anyhow::Error>) {
        let mut heard = self.heard();
        heard.has_ended = true;
        heard.failure = failure.map(|error| format!("{error:#}"));
    }

    fn listen(
        &self,
        news: &Receiver<News>,
        tell: &mut dyn FnMut(&Told) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        loop {
            let first = match news.recv() {
                Ok(first) => first,
                Err(RecvError) => return Ok(()),
            };
            let mut heard = self.heard();
            for one in std::iter::once(first).chain(news.try_iter().take(QUEUE)) {
                if let News::Told(told) = &one {
                    // The page warns of drift as long as there is any.
                    let _ = self.counts.tell(told);
                    tell(told)?;
                }
                heard.overview.hear(&one);
            }
        }
    }
}
