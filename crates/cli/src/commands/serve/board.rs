//! The board: all sources that the page shows.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Server,
    followed::{Followed, Kind},
};
use crate::{
    following::{Counts, DRIFT_SESSIONS, Source},
    overview::Overview,
    showing::extent,
};

/// Uploads that are kept; beyond, the oldest is forgotten.
const MOST_UPLOADS: usize = 8;

/// Sources by number.
#[derive(Default)]
pub(super) struct Board {
    all: Mutex<Sources>,
}

#[derive(Default)]
struct Sources {
    sources: Vec<Arc<Followed>>,
    /// How many there were.
    count: u64,
}

impl Board {
    /// All sources, in the order in which they came.
    pub(super) fn all(&self) -> Vec<Arc<Followed>> {
        self.lock().sources.clone()
    }

    /// The source of that number.
    pub(super) fn find(&self, number: u64) -> Option<Arc<Followed>> {
        let all = self.lock();
        let found = all.sources.iter().find(|one| one.number == number);
        found.cloned()
    }

    /// Shows a source from now on.
    pub(super) fn add(
        &self,
        name: &str,
        kind: Kind,
        server: &Server,
        source: &Source,
    ) -> Arc<Followed> {
        let overview = Overview::new(&server.classifier, extent(source));
        let counts = Counts::of(&server.classifier, source, DRIFT_SESSIONS);
        let mut all = self.lock();
        all.count += 1;
        let followed = Arc::new(Followed::new(all.count, name, kind, overview, counts));
        all.sources.push(Arc::clone(&followed));
        let is_upload = |one: &Arc<Followed>| one.kind == Kind::Upload;
        let uploads = all.sources.iter().filter(|one| is_upload(one)).count();
        if uploads > MOST_UPLOADS
            && let Some(oldest) = all.sources.iter().position(is_upload)
        {
            all.sources.remove(oldest);
        }
        followed
    }

    fn lock(&self) -> MutexGuard<'_, Sources> {
        // Whoever panics while holding it has left whole sources.
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
