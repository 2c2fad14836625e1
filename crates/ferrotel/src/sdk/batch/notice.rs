//! Saying a thing once, then how often it happened.

use std::time::{Duration, Instant};

/// No identical line more often than this.
pub(super) const QUIET: Duration = Duration::from_secs(20);
/// The shortest time between two reports of an overload that comes and goes.
const SETTLE: Duration = Duration::from_secs(1);

/// Decides when the number of dropped items is to be told. All that is dropped is told, in sum, by the end.
#[derive(Default)]
pub(super) struct DropReport {
    told: u64,
    seen: u64,
    /// When drops were told last, or seen first.
    last: Option<Instant>,
}

impl DropReport {
    /// How many drops to tell now, given the total: when no drop was added since the last question (the overload is
    /// over), or when it goes on for long.
    pub fn due(&mut self, total: u64, now: Instant) -> Option<u64> {
        if total == self.told {
            return None;
        }
        let over = total == self.seen;
        self.seen = total;
        let since = now.duration_since(*self.last.get_or_insert(now));
        if since < if over { SETTLE } else { QUIET } {
            return None;
        }
        self.last = Some(now);
        self.rest(total)
    }

    /// How many drops have not been told.
    pub fn rest(&mut self, total: u64) -> Option<u64> {
        let untold = total - self.told;
        self.told = total;
        (untold > 0).then_some(untold)
    }
}

/// Lets a line through that was not said lately.
#[derive(Default)]
pub(in crate::sdk) struct Repeats {
    said: Vec<(String, Instant)>,
}

/// More different lines than this within the quiet time are too many to remember.
const REMEMBERED: usize = 8;

impl Repeats {
    pub fn fresh(&mut self, line: &str, now: Instant) -> bool {
        self.said.retain(|(_, at)| now.duration_since(*at) < QUIET);
        if self.said.iter().any(|(said, _)| said == line) {
            return false;
        }
        if self.said.len() == REMEMBERED {
            self.said.remove(0);
        }
        self.said.push((line.to_owned(), now));
        true
    }
}
