//! Names of files: they say when the batch was written, how much is in it, and how large it is, so that looking at a
//! directory opens no file.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use ferrotel::common::clock;

/// Behind the name of a batch that waits.
const WAITING: &str = ".batch";
/// Behind the name of a batch that is set aside.
pub(crate) const DAMAGED: &str = ".damaged";

static RANDOM: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What a name says. Ordered by age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    /// Nanoseconds since 1970.
    pub written: u64,
    pub unique: u32,
    /// How many spans, points or log records it holds.
    pub items: u32,
    /// Of the file.
    pub bytes: u64,
    pub damaged: bool,
}

impl Name {
    /// Makes what names are made of: not with the first batch, which a fork of another thread could interrupt.
    pub fn prepare() {
        LazyLock::force(&RANDOM);
    }

    /// A name that no other file has.
    pub fn new(items: u32, bytes: u64) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let written = clock::now_unix_nanos();
        // A forked child inherits the seed and the count, and processes in different containers may have the same id.
        let parts = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed), written);
        let unique = RANDOM.hash_one(parts) as u32;
        Name { written, unique, items, bytes, damaged: false }
    }

    /// Understands what [`Name::to_string`] makes.
    pub fn parse(text: &str) -> Option<Self> {
        let (stem, damaged) = match text.strip_suffix(WAITING) {
            Some(stem) => (stem, false),
            None => (text.strip_suffix(DAMAGED)?, true),
        };
        let mut parts = stem.split('-');
        let written = u64::from_str_radix(parts.next()?, 16).ok()?;
        let unique = u32::from_str_radix(parts.next()?, 16).ok()?;
        let items = parts.next()?.parse().ok()?;
        let bytes = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some(Name { written, unique, items, bytes, damaged })
    }

    /// What it takes on the disk, where space is given out in blocks.
    pub fn space(&self) -> u64 {
        self.bytes.checked_next_multiple_of(4096).unwrap_or(u64::MAX)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Name { written, unique, items, bytes, damaged } = self;
        let end = if *damaged { DAMAGED } else { WAITING };
        write!(f, "{written:016x}-{unique:08x}-{items}-{bytes}{end}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_say_what_they_were_made_of() {
        let first = Name::new(512, 9000);
        let second = Name::new(512, 9000);
        assert!(first != second && first.written <= second.written);
        assert_eq!(Name::parse(&first.to_string()), Some(first.clone()));
        let damaged = Name { damaged: true, ..first };
        assert_eq!(Name::parse(&damaged.to_string()), Some(damaged));
        assert_eq!(second.space(), 12_288);
    }

    #[test]
    fn other_files_are_nobodys_batch() {
        for text in
            ["", ".lock", "a.batch", "1-2-3.batch", "1-2-3-4-5.batch", "1-2-3-4.tmp", "1-2-3-4", "-1-2-3-4.batch"]
        {
            assert_eq!(Name::parse(text), None, "{text}");
        }
    }
}
