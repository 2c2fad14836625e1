//! The thread that makes an exporter's requests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrotel::sdk::batch::without_signals;
use ferrotel_spool::{Claim, Drain, Found};

use super::state::{Place, Shared};
use crate::transport::{Blame, Failure, backoff};

/// The time between two batches from the disk, at least: as long as the last one took, and no shorter than this.
const PACE: Duration = Duration::from_millis(10);
/// How often it is looked whether another process has left something.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Another process is sending what lies there.
const NOT_OUR_TURN: Duration = Duration::from_secs(1);
/// What is refused for a wrong setting stays, and is tried again after this time.
const WRONG_SETTING: Duration = Duration::from_secs(60);

/// Starts it, where it does not run; whether it runs.
pub(super) fn start(shared: &Arc<Shared>) -> bool {
    let mut state = shared.state();
    if state.running || state.closed.is_some() {
        return state.running;
    }
    let mine = Arc::clone(shared);
    let builder = std::thread::Builder::new().name("ferrotel-spool".to_owned());
    // Under the lock, so that there is only one.
    state.running = without_signals(|| builder.spawn(move || run(&mine))).is_ok();
    state.running
}

fn run(shared: &Shared) {
    let _gone = Leaving(shared);
    let mut drain: Option<Drain<'_>> = None;
    let mut next_batch = Instant::now();
    let mut looked = Instant::now();
    let mut state = shared.state();
    loop {
        if let Some((ticket, message)) = state.next() {
            drop(state);
            let result = shared.transport.send_once(shared.transport.pack(&message));
            settle(shared, ticket, result);
            state = shared.state();
            continue;
        }
        let now = Instant::now();
        if state.closed.is_some_and(|until| now >= until || !state.may_still_send()) {
            return;
        }
        if state.link.is_down() {
            // Others may have their turn.
            drain = None;
        }
        if !state.backlog {
            let left = (looked + LOOK_AGAIN).saturating_duration_since(now);
            state.backlog = left.is_zero();
            if !state.backlog {
                state = shared.wait(state, left);
                continue;
            }
        }
        let wait = state.link.wait(now).max(next_batch.saturating_duration_since(now));
        if !wait.is_zero() {
            state = shared.wait(state, wait);
            continue;
        }
        looked = now;
        state.draining = true;
        state.backlog = false;
        drop(state);
        let began = Instant::now();
        let step = step(shared, &mut drain);
        state = shared.state();
        state.draining = false;
        state.postponed = matches!(step, Step::Later(_));
        match step {
            Step::Empty => {}
            Step::Sent => {
                state.backlog = true;
                next_batch = Instant::now() + began.elapsed().max(PACE);
            }
            Step::Later(wait) => {
                state.backlog = true;
                next_batch = Instant::now() + wait;
            }
        }
        shared.changed.notify_all();
    }
}

/// What sending one batch from the disk came to.
enum Step {
    Sent,
    /// There is none.
    Empty,
    /// Not now.
    Later(Duration),
}

fn step<'a>(shared: &'a Shared, drain: &mut Option<Drain<'a>>) -> Step {
    let found = match drain {
        Some(begun) => begun.next(),
        None => match shared.spool.drain() {
            Ok(Some(begun)) => drain.insert(begun).next(),
            Ok(None) => return Step::Later(NOT_OUR_TURN),
            Err(error) => {
                shared.told.not_readable(&error);
                return Step::Later(LOOK_AGAIN);
            }
        },
    };
    match found {
        Some(Found::Batch(claim, message)) => {
            let result = shared.transport.send_once(shared.transport.pack(&message));
            let step = sent(shared, claim, result);
            if !matches!(step, Step::Sent) {
                *drain = None;
            }
            step
        }
        Some(Found::Damaged { line }) => {
            shared.told.damaged(&line);
            Step::Sent
        }
        None => {
            // What was written meanwhile is not among those that waited in the beginning.
            let (began_with, given) = drain.take().map_or((0, 0), |drain| (drain.began_with(), drain.given()));
            if given > 0 {
                return Step::Sent;
            }
            if began_with > 0 {
                return Step::Later(NOT_OUR_TURN);
            }
            shared.told.delivered();
            Step::Empty
        }
    }
}

fn sent(shared: &Shared, claim: Claim, result: Result<(), Failure>) -> Step {
    know(shared, &result);
    let items = claim.items();
    match result {
        Ok(()) => {
            if !shared.told.removed(claim.done()) {
                // It would be sent again and again.
                return Step::Later(LOOK_AGAIN);
            }
            shared.told.sent(items);
            Step::Sent
        }
        Err(Failure { blame: Blame::Batch, error }) => {
            shared.told.refused(&error);
            if shared.told.removed(claim.done()) { Step::Sent } else { Step::Later(LOOK_AGAIN) }
        }
        Err(Failure { blame: Blame::Setting, error }) => {
            shared.told.postponed(&error);
            Step::Later(WRONG_SETTING)
        }
        // The link says when.
        Err(_) => Step::Later(Duration::ZERO),
    }
}

/// Tells who waits for it what became of a batch.
fn settle(shared: &Shared, ticket: u64, result: Result<(), Failure>) {
    know(shared, &result);
    let mut state = shared.state();
    match std::mem::replace(&mut state.place, Place::Free) {
        Place::Left(number, claim) if number == ticket => {
            drop(state);
            match result {
                Ok(()) => drop(shared.told.removed(claim.done())),
                Err(Failure { blame: Blame::Batch | Blame::Setting, error }) => {
                    shared.told.refused(&error);
                    shared.told.removed(claim.done());
                }
                // It stays where it is.
                Err(_) => {
                    drop(claim);
                    shared.wake_sender();
                }
            }
        }
        _ => state.place = Place::Done(ticket, result),
    }
    shared.changed.notify_all();
}

/// Learns from an outcome whether the collector is there.
fn know(shared: &Shared, result: &Result<(), Failure>) {
    let mut state = shared.state();
    match result {
        Ok(()) => {
            state.link.up();
        }
        Err(Failure { blame: Blame::Moment(after), error }) => {
            if state.link.down(*after, backoff, Instant::now()) {
                drop(state);
                shared.told.away(error);
            }
        }
        // It is there, but does not want this.
        Err(Failure { blame: Blame::Batch, .. }) => {
            state.link.up();
        }
        Err(_) => {}
    }
}

/// Marks the sender as gone however it ends, so that nobody waits for it.
struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running = false;
        state.draining = false;
        if matches!(state.place, Place::Sending | Place::Left(..)) {
            state.place = Place::Free;
        }
        drop(state);
        self.0.changed.notify_all();
    }
}
