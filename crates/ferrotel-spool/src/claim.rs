//! Locks on files: of the process that holds them, and of nobody once it is dead.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::format::LONGEST;

/// An open file with the system's lock on it, let go when it is dropped. A forked child does not have it.
pub(crate) struct Lock {
    file: File,
    slot: Option<&'static AtomicI32>,
}

impl Lock {
    /// Takes the lock; `None` where another has it.
    pub fn take(file: File) -> io::Result<Option<Self>> {
        let slot = note(file.as_raw_fd());
        let lock = Lock { file, slot };
        // SAFETY: the descriptor is open as long as `lock` is.
        if unsafe { libc::flock(lock.file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
            return Ok(Some(lock));
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::WouldBlock { Ok(None) } else { Err(error) }
    }

    /// Whether the file still has a name: who had the lock before may have removed it.
    fn has_name(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.nlink() > 0)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            slot.store(NONE, Ordering::Release);
        }
        // Said, and not left to closing: a child that was forked in this moment has the same open file.
        // SAFETY: the descriptor is open.
        unsafe { libc::flock(self.file.as_raw_fd(), libc::LOCK_UN) };
    }
}

const NONE: i32 = -1;
/// An exporter holds two at a time at most: its destination's and that of a file.
static HELD: [AtomicI32; 64] = [const { AtomicI32::new(NONE) }; 64];

/// Has a child that is forked close this descriptor: a lock is held until all have closed it, and a child may live for
/// longer than its parent.
fn note(descriptor: i32) -> Option<&'static AtomicI32> {
    HELD.iter().find(|slot| slot.compare_exchange(NONE, descriptor, Ordering::AcqRel, Ordering::Relaxed).is_ok())
}

/// Has forks looked after from now on (idempotent).
pub(crate) fn watch_forks() {
    static ONCE: Once = Once::new();
    // SAFETY: the handler only closes files, which is async-signal-safe.
    ONCE.call_once(|| unsafe {
        libc::pthread_atfork(None, None, Some(after_fork_in_child));
    });
}

extern "C" fn after_fork_in_child() {
    for slot in &HELD {
        let descriptor = slot.swap(NONE, Ordering::Relaxed);
        if descriptor != NONE {
            // SAFETY: the file belongs to a thread that does not exist here.
            unsafe { libc::close(descriptor) };
        }
    }
}

/// A batch that nobody else sends meanwhile. Dropped, it is anybody's again.
pub struct Claim {
    path: PathBuf,
    items: u32,
    lock: Lock,
}

impl Claim {
    pub(crate) fn new(path: PathBuf, items: u32, lock: Lock) -> Self {
        Claim { path, items, lock }
    }

    /// Claims a file; `None` where another has it, or has removed it.
    pub(crate) fn open(path: &Path, items: u32) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(lock) = Lock::take(file)? else { return Ok(None) };
        Ok(if lock.has_name()? { Some(Claim::new(path.to_owned(), items, lock)) } else { None })
    }

    pub(crate) fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.lock.file.by_ref().take(LONGEST + 4096).read_to_end(&mut content)?;
        Ok(content)
    }

    /// How many spans, points or log records are in it.
    pub fn items(&self) -> u32 {
        self.items
    }

    /// It was accepted, or will never be: removes it.
    ///
    /// # Errors
    /// It is still there, and would be sent again.
    pub fn done(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives it the name of a batch that is not to be sent, which is returned.
    pub(crate) fn set_aside(self, name: &str) -> io::Result<PathBuf> {
        let aside = self.path.with_file_name(name);
        fs::rename(&self.path, &aside)?;
        Ok(aside)
    }
}
