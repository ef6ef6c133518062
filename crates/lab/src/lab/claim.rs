//! Who may change a lab: one command at a time.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
};

use anyhow::{Context, bail};

/// The right to bring a lab up, run it or take it down, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    _held: File,
}

impl Claim {
    /// Takes the right to change the lab of a folder.
    ///
    /// # Errors
    ///
    /// If another command has it, or the folder cannot be made.
    pub(crate) fn take(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        let path = folder.join("claim");
        let file =
            File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => bail!(
                "another command works on the lab in `{}`; wait for it or stop it",
                folder.display()
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock `{}`", path.display()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_the_claim_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = Claim::take(folder.path()).unwrap();
        let error = Claim::take(folder.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("another command works on the lab"),
            "{error}"
        );
        drop(first);
        assert!(Claim::take(folder.path()).is_ok());
    }
}
