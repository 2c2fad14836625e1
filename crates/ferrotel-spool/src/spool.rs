//! A destination's batches.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::claim::{self, Claim, Lock};
use crate::format::{self, Content, Signal};
use crate::listing::{self, UNFINISHED};
use crate::name::{DAMAGED, Name};

/// Other processes write too: the size of everything is looked at again after this time.
const SIZE_IS_KNOWN_FOR: Duration = Duration::from_secs(10);
/// In a directory: whose turn it is to make room, or to send.
const LOCK: &str = ".lock";

/// The batches of one destination, in a directory that is shared with other destinations and other processes.
///
/// Nothing is read or written before the first call of a method.
pub struct Spool {
    root: PathBuf,
    folder: PathBuf,
    signal: Signal,
    content: Content,
    max_bytes: u64,
    size: Mutex<Size>,
}

/// What the whole directory holds, as far as it is known.
#[derive(Default)]
struct Size {
    bytes: u64,
    looked_at: Option<Instant>,
}

/// What had to make room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// How many batches.
    pub batches: u64,
    /// How many spans, points and log records were in them.
    pub items: u64,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many batches.
    pub batches: u64,
    /// How many spans, points and log records are in them.
    pub items: u64,
    /// The space that they take on the disk.
    pub bytes: u64,
    /// How many of the batches are damaged and set aside.
    pub damaged: u64,
}

impl Spool {
    /// The place of one destination in the directory `root`, which holds at most `max_bytes` in all.
    ///
    /// What `destination` says is not written, only a hash of it: two processes send each other's batches where signal,
    /// content and destination are the same.
    pub fn new(root: &Path, signal: Signal, content: Content, destination: &str, max_bytes: u64) -> Self {
        claim::watch_forks();
        Name::prepare();
        let hash = fnv(&[&[content as u8], destination.as_bytes()]);
        let folder = root.join(format!("{}-{hash:016x}", signal.as_str()));
        Spool { root: root.to_owned(), folder, signal, content, max_bytes, size: Mutex::default() }
    }

    /// Where this destination's batches lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a batch, for anybody to send; what had to make room is returned.
    ///
    /// # Errors
    /// It is not kept: no space, no permission, no directory; larger than all that is allowed.
    pub fn keep(&self, message: &[u8], items: u32) -> io::Result<Lost> {
        self.write(message, items, false).map(|(_, lost)| lost)
    }

    /// Keeps a batch that is being sent right now.
    ///
    /// # Errors
    /// As with [`Spool::keep`].
    pub fn keep_claimed(&self, message: &[u8], items: u32) -> io::Result<(Claim, Lost)> {
        let (claim, lost) = self.write(message, items, true)?;
        let claim =
            claim.ok_or_else(|| io::Error::new(ErrorKind::WouldBlock, "the system gives no lock on a new file"))?;
        Ok((claim, lost))
    }

    /// Begins to send what waits; `None` where another process is at it.
    ///
    /// # Errors
    /// The directory cannot be read, or the system has no locks for it.
    pub fn drain(&self) -> io::Result<Option<Drain<'_>>> {
        let mut names = listing::batches(&self.folder)?;
        names.retain(|name| !name.damaged);
        names.sort_unstable();
        // Where nothing waits, nothing is made either.
        let lock = if names.is_empty() { None } else { Some(lock(&self.folder)?) };
        match lock {
            Some(None) => Ok(None),
            lock => {
                let began_with = names.len();
                Ok(Some(Drain { spool: self, names: names.into(), began_with, given: 0, _lock: lock.flatten() }))
            }
        }
    }

    /// What waits for this destination.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn backlog(&self) -> io::Result<Backlog> {
        let mut backlog = Backlog::default();
        for name in listing::batches(&self.folder)? {
            backlog.bytes += name.space();
            if name.damaged {
                backlog.damaged += 1;
            } else {
                backlog.batches += 1;
                backlog.items += u64::from(name.items);
            }
        }
        Ok(backlog)
    }

    fn write(&self, message: &[u8], items: u32, claimed: bool) -> io::Result<(Option<Claim>, Lost)> {
        let content = format::encode(self.signal, self.content, message);
        let name = Name::new(items, content.len() as u64);
        let lost = match self.make_room(name.space()) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                listing::create(&self.root)?;
                self.make_room(name.space())?
            }
            made => made?,
        };
        let unfinished = self.folder.join(format!(".{name}{UNFINISHED}"));
        let file = match create(&unfinished) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                listing::create(&self.folder)?;
                create(&unfinished)?
            }
            made => made?,
        };
        let path = self.folder.join(name.to_string());
        let claim = finish(file, &content, claimed, &unfinished, &path).inspect_err(|_| {
            let _ = fs::remove_file(&unfinished);
            // What was known about the space is wrong.
            *self.size.lock().unwrap_or_else(PoisonError::into_inner) = Size::default();
        })?;
        Ok((claim.map(|lock| Claim::new(path, items, lock)), lost))
    }

    /// Counts `bytes` in, and removes the oldest batches where there is no room for them.
    fn make_room(&self, bytes: u64) -> io::Result<Lost> {
        if bytes > self.max_bytes {
            return Err(io::Error::new(ErrorKind::FileTooLarge, "the batch is larger than the whole spool may be"));
        }
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        let known = size.looked_at.is_some_and(|at| at.elapsed() < SIZE_IS_KNOWN_FOR);
        let mut lost = Lost::default();
        if !known || size.bytes + bytes > self.max_bytes {
            let mut everything = self.everything()?;
            size.bytes = everything.iter().map(|(_, name)| name.space()).sum();
            size.looked_at = Some(Instant::now());
            if size.bytes + bytes > self.max_bytes
                && let Some(_turn) = lock(&self.root)?
            {
                everything.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
                // Some more than is needed, so that the next batches need not look again.
                lost = self.remove_oldest(&everything, &mut size.bytes, self.max_bytes - self.max_bytes / 10, bytes)?;
            }
        }
        size.bytes += bytes;
        Ok(lost)
    }

    fn remove_oldest(&self, all: &[(PathBuf, Name)], size: &mut u64, wanted: u64, bytes: u64) -> io::Result<Lost> {
        let mut lost = Lost::default();
        for (folder, name) in all {
            if *size + bytes <= wanted {
                break;
            }
            // One that is being sent is on its way out by itself.
            if let Some(claim) = Claim::open(&folder.join(name.to_string()), name.items)? {
                claim.done()?;
                *size = size.saturating_sub(name.space());
                if !name.damaged {
                    lost.batches += 1;
                    lost.items += u64::from(name.items);
                }
            }
        }
        Ok(lost)
    }

    fn everything(&self) -> io::Result<Vec<(PathBuf, Name)>> {
        let mut everything = Vec::new();
        for folder in listing::folders(&self.root)? {
            // Another user's or another program's: not ours to count.
            let Ok(names) = listing::batches(&folder) else { continue };
            everything.extend(names.into_iter().map(|name| (folder.clone(), name)));
        }
        Ok(everything)
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn finish(mut file: File, content: &[u8], claimed: bool, unfinished: &Path, path: &Path) -> io::Result<Option<Lock>> {
    file.write_all(content)?;
    let lock = if claimed { Lock::take(file)? } else { None };
    fs::rename(unfinished, path)?;
    Ok(lock)
}

fn lock(folder: &Path) -> io::Result<Option<Lock>> {
    let open = || OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join(LOCK));
    let file = match open() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            listing::create(folder)?;
            open()?
        }
        file => file?,
    };
    Lock::take(file)
}

/// FNV-1a: the same in every version of this crate.
fn fnv(parts: &[&[u8]]) -> u64 {
    parts
        .iter()
        .copied()
        .flatten()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// The batches that waited when sending began, oldest first. No other process sends this destination's meanwhile.
pub struct Drain<'a> {
    spool: &'a Spool,
    names: VecDeque<Name>,
    began_with: usize,
    given: usize,
    _lock: Option<Lock>,
}

/// What is next.
pub enum Found {
    /// A batch, and its message.
    Batch(Claim, Vec<u8>),
    /// A batch that nobody can send; `line` says so, and where it lies now.
    Damaged {
        /// For the log.
        line: String,
    },
}

impl Drain<'_> {
    /// How many batches it has returned.
    pub fn given(&self) -> usize {
        self.given
    }

    /// How many waited when it began.
    pub fn began_with(&self) -> usize {
        self.began_with
    }
}

impl Iterator for Drain<'_> {
    type Item = Found;

    /// The next batch that nobody else has.
    fn next(&mut self) -> Option<Found> {
        loop {
            let name = self.names.pop_front()?;
            let path = self.spool.folder.join(name.to_string());
            let mut claim = match Claim::open(&path, name.items) {
                Ok(Some(claim)) => claim,
                Ok(None) => continue,
                Err(error) => return Some(Found::Damaged { line: unreadable(&path, &error) }),
            };
            self.given += 1;
            let content = match claim.read() {
                Ok(content) => content,
                Err(error) => return Some(Found::Damaged { line: unreadable(&path, &error) }),
            };
            return Some(match format::decode(self.spool.signal, self.spool.content, &content) {
                Ok(message) => Found::Batch(claim, message),
                Err(why) => Found::Damaged { line: set_aside(claim, &name, &path, why) },
            });
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("The spooled batch {} cannot be read ({error}); it is left where it is.", path.display())
}

fn set_aside(claim: Claim, name: &Name, path: &Path, why: &str) -> String {
    let items = name.items;
    let aside = Name { damaged: true, ..name.clone() }.to_string();
    let what = format!("The spooled batch {} with {items} item(s) is damaged ({why}) and is not sent", path.display());
    match claim.set_aside(&aside) {
        Ok(_) => format!("{what}: it is set aside, its name ends with {DAMAGED} now."),
        Err(error) => format!("{what}; it cannot be set aside either ({error})."),
    }
}
