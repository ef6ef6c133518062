//! A file as memory, for as long as nobody can shorten or change it.
//!
//! Who touches a map beyond the end of its file is killed, and a file may be shortened at any time. So
//! a file is mapped under a lease only (`fcntl(2)`, `F_SETLEASE`): Linux grants it for a file of ours that
//! nobody has open for writing, and lets whoever would open it for writing or shorten it wait until we
//! have let go, for 45 s at most (`/proc/sys/fs/lease-break-time`). [`Mapping::is_kept`] looks
//! whether somebody waits.
//!
//! What remains: who does not look for 45 s while another shortens the file is killed by the next touch
//! of what has gone; and so is whoever touches a page that was dropped from memory and whose disk has failed since.

use std::{
    ffi::c_int,
    fs::File,
    ops::Range,
    os::{fd::AsRawFd, unix::fs::MetadataExt},
    path::Path,
};

use memmap2::{Advice, Mmap, UncheckedAdvice};

/// Below this, in bytes, mapping does not pay.
const LEAST: u64 = 1 << 20;

/// Where leases hold: file systems that nobody changes behind the kernel's back.
const LOCAL: [u64; 5] = [
    libc::EXT4_SUPER_MAGIC as u64,
    libc::XFS_SUPER_MAGIC as u64,
    libc::BTRFS_SUPER_MAGIC as u64,
    libc::F2FS_SUPER_MAGIC as u64,
    libc::TMPFS_MAGIC as u64,
];

/// Has a signal sent by which a lease is asked back; the usual one would end the program.
const F_SETSIG: c_int = 10;

/// A file as memory, under a lease.
pub(crate) struct Mapping {
    map: Mmap,
    file: File,
}

impl Mapping {
    /// A large file, opened at this path, as memory; `None` if it is to be read: it is small or no file,
    /// on another machine, another user's, or somebody may be writing it.
    pub(crate) fn of(opened: &File, path: &Path) -> Option<Self> {
        let about = opened.metadata().ok()?;
        if !about.is_file() || about.size() < LEAST || !is_local(opened) {
            return None;
        }
        // The lease is dropped with its own opening of the file, whoever still reads the other.
        let file = File::open(path).ok()?;
        let again = file.metadata().ok()?;
        if (about.dev(), about.ino()) != (again.dev(), again.ino()) || !lease(&file) {
            return None;
        }
        // SAFETY: under the lease the file neither becomes shorter nor changes while the bytes are
        // looked at, within what the head of this file says.
        let map = unsafe { Mmap::map(&file) }.ok()?;
        // Matters for speed only.
        let _ = map.advise(Advice::Sequential);
        let mapping = Self { map, file };
        mapping.prepare(0..1).then_some(mapping)
    }

    /// The whole file; to be looked at only where it has been prepared.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Has a stretch of it in memory. `false` if that cannot be, or somebody waits to write: then the
    /// file is to be read on, and the mapping to be dropped.
    pub(crate) fn prepare(&self, range: Range<usize>) -> bool {
        self.is_kept()
            && self
                .map
                .advise_range(Advice::PopulateRead, range.start, range.len())
                .is_ok()
    }

    /// Whether nobody waits to write.
    pub(crate) fn is_kept(&self) -> bool {
        control(&self.file, libc::F_GETLEASE, 0) == libc::F_RDLCK
    }

    /// Has no more need of a stretch.
    pub(crate) fn release(&self, range: Range<usize>) {
        // SAFETY: of a shared map of a file that is only read, pages that are dropped come back with the
        // same bytes when they are touched again.
        let released = unsafe {
            self.map
                .unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
        };
        // Matters for memory only.
        let _ = released;
    }
}

/// Also where a process that was started meanwhile shares the open file.
impl Drop for Mapping {
    fn drop(&mut self) {
        control(&self.file, libc::F_SETLEASE, libc::F_UNLCK);
    }
}

fn lease(file: &File) -> bool {
    // This signal is ignored unless a program asks for it.
    control(file, F_SETSIG, libc::SIGURG) == 0
        && control(file, libc::F_SETLEASE, libc::F_RDLCK) == 0
}

fn control(file: &File, command: c_int, argument: c_int) -> c_int {
    // SAFETY: these commands take numbers, and the descriptor is open for as long as `file` is.
    unsafe { libc::fcntl(file.as_raw_fd(), command, argument) }
}

fn is_local(file: &File) -> bool {
    let mut about = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is open, and there is room for the answer.
    let is_told = unsafe { libc::fstatfs(file.as_raw_fd(), about.as_mut_ptr()) } == 0;
    // SAFETY: a struct of numbers, for which zeros are values too.
    let about = unsafe { about.assume_init() };
    is_told && LOCAL.contains(&(about.f_type as u64))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, sync::mpsc, thread, time::Duration};

    use super::*;

    /// A file of that many bytes.
    fn file(name: &str, length: u64) -> PathBuf {
        let path = std::env::temp_dir().join(format!("undertone-{}-{name}", std::process::id()));
        File::create(&path).unwrap().set_len(length).unwrap();
        path
    }

    #[test]
    fn a_file_that_somebody_writes_is_not_mapped() {
        let path = file("written", LEAST);
        let writer = File::options().append(true).open(&path).unwrap();
        assert!(Mapping::of(&File::open(&path).unwrap(), &path).is_none());
        drop(writer);
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn who_would_shorten_a_mapped_file_waits_until_it_is_let_go() {
        let path = file("shortened", LEAST);
        let mapping = Mapping::of(&File::open(&path).unwrap(), &path);
        let (tell, told) = mpsc::channel();
        let shortening = thread::spawn({
            let path = path.clone();
            move || {
                File::options().write(true).open(path)?.set_len(1)?;
                tell.send(()).map_err(std::io::Error::other)
            }
        });
        // Where no leases are given, nothing is mapped.
        if let Some(mapping) = mapping {
            while mapping.prepare(0..4096) {
                thread::sleep(Duration::from_millis(1));
            }
            assert!(told.try_recv().is_err());
            assert_eq!(mapping.bytes().len() as u64, LEAST);
            assert_eq!(mapping.bytes()[LEAST as usize - 1], 0);
        }
        told.recv().unwrap();
        shortening.join().unwrap().unwrap();
        fs::remove_file(path).unwrap();
    }
}
