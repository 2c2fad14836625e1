//! What exports and the sender of one exporter share in one process.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ferrotel_spool::{Claim, Spool};
use hyper::body::Bytes;

use super::link::Link;
use super::told::Told;
use crate::transport::{Failure, Transport};

pub(super) struct Shared {
    state: Mutex<State>,
    /// Something in the state is different.
    pub changed: Condvar,
    pub transport: Arc<Transport>,
    pub spool: Spool,
    pub told: Told,
}

pub(super) type Guard<'a> = MutexGuard<'a, State>;

pub(super) struct State {
    pub place: Place,
    tickets: u64,
    pub link: Link,
    /// The sender is sending something from the disk.
    pub draining: bool,
    /// Something may wait on the disk.
    pub backlog: bool,
    /// What waits there is for another process, or for another time.
    pub postponed: bool,
    pub running: bool,
    /// Shut down, and until when the sender may go on.
    pub closed: Option<Instant>,
}

/// Where the one batch is that is handed over.
pub(super) enum Place {
    Free,
    /// The sender has not looked yet.
    Given(u64, Bytes),
    Sending,
    /// It is being sent, and nobody waits for it any more: it lies on the disk.
    Left(u64, Claim),
    Done(u64, Result<(), Failure>),
}

impl Shared {
    pub fn new(transport: Arc<Transport>, spool: Spool, root: &Path) -> Self {
        let told = Told::new(transport.settings.log_target(), root);
        let state = State {
            place: Place::Free,
            tickets: 0,
            link: Link::default(),
            draining: false,
            // Another process may have left something.
            backlog: true,
            postponed: false,
            running: false,
            closed: None,
        };
        Shared { state: Mutex::new(state), changed: Condvar::new(), transport, spool, told }
    }

    pub fn state(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait<'a>(&'a self, state: Guard<'a>, most: Duration) -> Guard<'a> {
        self.changed.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Something was kept.
    pub fn wake_sender(&self) {
        let mut state = self.state();
        if !state.backlog {
            state.backlog = true;
            self.changed.notify_all();
        }
    }
}

impl State {
    /// Whether handing over a batch makes sense: the collector is not known to be away, and no request is under way
    /// that takes longer than an export waits.
    pub fn takes_batches(&self, now: Instant) -> bool {
        let asked_already = self.link.is_down() && self.draining;
        self.closed.is_none()
            && self.running
            && self.link.wait(now).is_zero()
            && !asked_already
            && !matches!(self.place, Place::Left(..))
    }

    /// Hands a batch over where there is room.
    pub fn give(&mut self, message: &Bytes) -> Option<u64> {
        if !matches!(self.place, Place::Free) {
            return None;
        }
        self.tickets += 1;
        self.place = Place::Given(self.tickets, message.clone());
        Some(self.tickets)
    }

    /// What became of it.
    pub fn collect(&mut self, ticket: u64) -> Option<Result<(), Failure>> {
        match std::mem::replace(&mut self.place, Place::Free) {
            Place::Done(number, result) if number == ticket => Some(result),
            place => {
                self.place = place;
                None
            }
        }
    }

    /// Takes back what the sender has not looked at.
    pub fn take_back(&mut self, ticket: u64) -> bool {
        let given = matches!(self.place, Place::Given(number, _) if number == ticket);
        if given {
            self.place = Place::Free;
        }
        given
    }

    /// The batch that is to be sent now.
    pub fn next(&mut self) -> Option<(u64, Bytes)> {
        match std::mem::replace(&mut self.place, Place::Free) {
            Place::Given(ticket, message) => {
                self.place = Place::Sending;
                Some((ticket, message))
            }
            place => {
                self.place = place;
                None
            }
        }
    }

    /// Whether the sender has something to do, and nothing is known that keeps it from it.
    pub fn may_still_send(&self) -> bool {
        let under_way = matches!(self.place, Place::Given(..) | Place::Sending | Place::Left(..));
        self.running && !self.link.is_down() && (under_way || self.draining || (self.backlog && !self.postponed))
    }
}
