//! The spool's lines: each thing once, when it begins.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ferrotel::common::diagnostics::{self, Level};
use ferrotel::sdk::export::ExportError;
use ferrotel_spool::Lost;

/// How often a number that grows is told.
const QUIET: Duration = Duration::from_secs(60);

pub(super) struct Told {
    target: &'static str,
    root: PathBuf,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// The disk's last error.
    disk: Option<String>,
    sent: (u64, u64),
    lost: Lost,
    lost_told: Option<Instant>,
    last: String,
}

impl Told {
    pub fn new(target: &'static str, root: &Path) -> Self {
        Told { target, root: root.to_owned(), memory: Mutex::default() }
    }

    /// Requests do not get through any more.
    pub fn away(&self, error: &ExportError) {
        let root = self.root.display();
        self.log(Level::Warning, &format!("{error} What is not delivered is kept in {root} and sent later."));
    }

    /// A batch is on the disk, and others had to go for it.
    pub fn kept(&self, lost: Lost) {
        let mut memory = self.memory();
        memory.lost.batches += lost.batches;
        memory.lost.items += lost.items;
        let works = memory.disk.take().is_some();
        drop(memory);
        if works {
            self.log(Level::Info, &format!("The spool in {} takes batches again.", self.root.display()));
        }
        self.lost(false);
    }

    /// What was dropped and not told yet, where it is time to; `all`: now.
    pub fn lost(&self, all: bool) {
        let mut memory = self.memory();
        let now = Instant::now();
        if memory.lost.batches == 0 || !(all || memory.lost_told.is_none_or(|at| now.duration_since(at) >= QUIET)) {
            return;
        }
        memory.lost_told = Some(now);
        let Lost { batches, items } = std::mem::take(&mut memory.lost);
        drop(memory);
        let line = format!(
            "The spool in {} is full: its {batches} oldest batch(es) with {items} item(s) were dropped for newer ones. \
             FERROTEL_SPOOL_MAX_BYTES says how large it may be.",
            self.root.display()
        );
        self.log(Level::Warning, &line);
    }

    /// The disk does not take a batch.
    pub fn not_kept(&self, error: &io::Error) {
        let root = self.root.display();
        self.disk(&format!(
            "The spool in {root} does not take a batch ({error}): what cannot be delivered waits in memory, as without a \
             spool."
        ));
    }

    /// What lies on the disk cannot be looked at.
    pub fn not_readable(&self, error: &io::Error) {
        self.disk(&format!("The spool in {} cannot be read ({error}).", self.root.display()));
    }

    /// A batch is off the disk, or not; whether it is.
    pub fn removed(&self, result: io::Result<()>) -> bool {
        if let Err(error) = &result {
            let root = self.root.display();
            self.disk(&format!(
                "A batch that was delivered cannot be removed from the spool in {root} ({error}): it may come twice."
            ));
        }
        result.is_ok()
    }

    /// A file that is no batch any more.
    pub fn damaged(&self, line: &str) {
        self.once(line);
    }

    /// The collector does not want a batch that was kept, and never will.
    pub fn refused(&self, error: &ExportError) {
        self.once(&error.to_string());
    }

    /// The collector takes nothing the way it is set up.
    pub fn postponed(&self, error: &ExportError) {
        let root = self.root.display();
        self.once(&format!("{error} What is in {root} stays there."));
    }

    /// A batch from the disk was accepted.
    pub fn sent(&self, items: u32) {
        let mut memory = self.memory();
        memory.sent.0 += 1;
        memory.sent.1 += u64::from(items);
    }

    /// Nothing waits on the disk any more.
    pub fn delivered(&self) {
        self.lost(true);
        let (batches, items) = std::mem::take(&mut self.memory().sent);
        if batches > 0 {
            let root = self.root.display();
            let line = format!("{batches} batch(es) with {items} item(s) that waited in {root} were delivered.");
            self.log(Level::Info, &line);
        }
    }

    fn disk(&self, line: &str) {
        let mut memory = self.memory();
        if memory.disk.as_deref() != Some(line) {
            memory.disk = Some(line.to_owned());
            drop(memory);
            self.log(Level::Error, line);
        }
    }

    fn once(&self, line: &str) {
        let mut memory = self.memory();
        if memory.last != line {
            line.clone_into(&mut memory.last);
            drop(memory);
            self.log(Level::Error, line);
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, level: Level, line: &str) {
        diagnostics::log(level, self.target, line);
    }
}
