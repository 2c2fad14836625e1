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

/// Lets a line through that was not said lately: a trouble that lasts is told again after 20 s, a minute, three
/// minutes, and so on up to an hour.
#[derive(Default)]
pub(in crate::sdk) struct Repeats {
    said: Vec<Said>,
}

struct Said {
    line: String,
    at: Instant,
    /// How long it is not to be said again.
    quiet: Duration,
}

/// More different lines than this are too many to remember.
const REMEMBERED: usize = 8;
/// A trouble is told again at least this often.
const LONGEST_QUIET: Duration = Duration::from_secs(3600);

impl Repeats {
    pub fn fresh(&mut self, line: &str, now: Instant) -> bool {
        if let Some(said) = self.said.iter_mut().find(|said| said.line == line) {
            let due = now.duration_since(said.at) >= said.quiet;
            if due {
                said.at = now;
                said.quiet = (said.quiet * 3).min(LONGEST_QUIET);
            }
            return due;
        }
        if self.said.len() == REMEMBERED {
            self.said.remove(0);
        }
        self.said.push(Said { line: line.to_owned(), at: now, quiet: QUIET });
        true
    }

    /// What went wrong is over: the next time it is told like the first time, unless that was just now.
    pub fn calm(&mut self) {
        for said in &mut self.said {
            said.quiet = QUIET;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_that_lasts_is_told_less_and_less_often() {
        let (mut repeats, start) = (Repeats::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let told: Vec<u64> = (0..20_000).step_by(5).filter(|&second| repeats.fresh("down", at(second))).collect();
        assert_eq!(told, [0, 20, 80, 260, 800, 2420, 6020, 9620, 13_220, 16_820]);
        assert!(repeats.fresh("another", at(5)), "another trouble is told at once");
        repeats.calm();
        assert!(!repeats.fresh("down", at(16_830)));
        assert!(repeats.fresh("down", at(16_840)));
    }
}
