//! What is known about the way to the collector.

use std::time::{Duration, Instant};

/// Whether requests get through, and when that is to be tried again.
#[derive(Debug, Default)]
pub(super) struct Link {
    failures: u32,
    down_until: Option<Instant>,
}

/// The wait after so many failures stays as it is: about 16 s.
const LONGEST: u32 = 4;

impl Link {
    /// A request got through; returns whether that is news.
    pub fn up(&mut self) -> bool {
        let news = self.is_down();
        *self = Link::default();
        news
    }

    /// A request did not get through; `after`: when the server wants the next one. Returns whether that is news.
    pub fn down(&mut self, after: Option<Duration>, backoff: impl FnOnce(u32) -> Duration, now: Instant) -> bool {
        let news = !self.is_down();
        let wait = after.unwrap_or_else(|| backoff(self.failures.min(LONGEST)));
        self.failures += 1;
        // A server's date far away is not waited for.
        self.down_until = Some(now + wait.min(Duration::from_secs(300)));
        news
    }

    pub fn is_down(&self) -> bool {
        self.down_until.is_some()
    }

    /// How long nothing is to be sent.
    pub fn wait(&self, now: Instant) -> Duration {
        self.down_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_that_is_away_is_asked_less_and_less_often() {
        let (mut link, now) = (Link::default(), Instant::now());
        let backoff = |failures| Duration::from_secs(1_u64 << failures);
        assert!(!link.is_down() && link.wait(now).is_zero());
        assert!(link.down(None, backoff, now), "news");
        let waits: Vec<u64> = (0..6)
            .map(|_| {
                let wait = link.wait(now).as_secs();
                assert!(!link.down(None, backoff, now));
                wait
            })
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 16]);
        link.down(Some(Duration::from_secs(7)), backoff, now);
        assert_eq!(link.wait(now), Duration::from_secs(7));
        assert!(link.wait(now + Duration::from_secs(8)).is_zero() && link.is_down());
        assert!(link.up() && !link.up());
    }
}
