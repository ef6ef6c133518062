//! Names that many samples share, kept once.

use std::{collections::HashSet, sync::Arc};

/// Gives equal names the same memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names(HashSet<Arc<str>>);

impl Names {
    /// The one copy of a name.
    pub(crate) fn shared(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(Arc::clone(&new));
        new
    }
}
