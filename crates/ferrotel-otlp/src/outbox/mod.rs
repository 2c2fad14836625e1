//! Sending with a spool: a batch that does not get through soon is kept on disk, and sent later.
//!
//! One thread of each exporter, the [`sender`], makes all requests, one after another: those of batches that are handed
//! to it now, and between them those of batches that wait on disk. Who exports hands its batch over and waits for the
//! outcome, for [`PATIENCE`] at most; then it has the batch written to disk and goes on, whatever becomes of the request.
//! While the collector is known to be away, batches are written to disk at once. So a queue in front of the exporter never
//! stands still for longer than that.
//!
//! Where the disk takes nothing, exporting is as without a spool.

mod link;
mod sender;
mod state;
mod told;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ferrotel::sdk::batch::PerProcess;
use ferrotel::sdk::export::ExportResult;
use ferrotel_spool::{Claim, Content, Signal, Spool};
use hyper::body::Bytes;

use crate::transport::{Blame, Failure, Transport};
use state::{Place, Shared};

/// How long an export waits for its outcome before the batch goes to disk.
const PATIENCE: Duration = Duration::from_millis(200);
/// How long shutting down still sends, where the collector takes it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What of a spool is known before the first batch.
#[derive(Clone, Debug)]
pub(crate) struct SpoolSettings {
    pub root: PathBuf,
    pub max_bytes: u64,
    pub signal: Signal,
    pub content: Content,
    /// Endpoint and headers: who has the same sends the same batches.
    pub destination: String,
}

/// An exporter's spool and its sender, in each process its own.
pub(crate) struct Outbox {
    transport: Arc<Transport>,
    settings: SpoolSettings,
    shared: PerProcess<Arc<Shared>>,
}

impl Outbox {
    /// Reads, writes and starts nothing.
    pub fn new(transport: Arc<Transport>, settings: SpoolSettings) -> Self {
        let shared = make(&transport, &settings);
        Outbox { transport, settings, shared: PerProcess::new(shared) }
    }

    /// Where batches wait.
    pub fn settings(&self) -> &SpoolSettings {
        &self.settings
    }

    /// Sends an encoded request with `items` spans, points or log records, now or later.
    pub fn export(&self, message: Bytes, items: usize) -> ExportResult {
        let items = items.try_into().unwrap_or(u32::MAX);
        let shared = self.shared.get(|| make(&self.transport, &self.settings));
        let outcome = if sender::start(shared) { self.hand_over(shared, &message, items) } else { Outcome::Refused };
        match outcome {
            Outcome::Settled(result) => return result,
            Outcome::Refused => {}
        }
        match shared.spool.keep(&message, items) {
            Ok(lost) => {
                shared.told.kept(lost);
                shared.wake_sender();
                Ok(())
            }
            Err(error) => {
                shared.told.not_kept(&error);
                // As without a spool: here, and with all retries.
                self.transport.send(self.transport.pack(&message))
            }
        }
    }

    /// Ends the sender; while the collector takes what waits, it may go on for a moment.
    pub fn close(&self) {
        let shared = self.shared.get(|| make(&self.transport, &self.settings));
        let until = Instant::now() + LAST_WORDS;
        let mut state = shared.state();
        state.closed = Some(until);
        shared.changed.notify_all();
        while state.may_still_send() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = shared.wait(state, left);
        }
        drop(state);
        shared.told.lost(true);
    }

    /// Gives the batch to the sender, and waits for what becomes of it.
    fn hand_over(&self, shared: &Shared, message: &Bytes, items: u32) -> Outcome {
        let deadline = Instant::now() + PATIENCE;
        let mut state = shared.state();
        let ticket = loop {
            if !state.takes_batches(Instant::now()) {
                return Outcome::Refused;
            }
            if let Some(ticket) = state.give(message) {
                break ticket;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Outcome::Refused;
            }
            state = shared.wait(state, left);
        };
        shared.changed.notify_all();
        let mut keeps = true;
        loop {
            if let Some(result) = state.collect(ticket) {
                shared.changed.notify_all();
                return Outcome::of(result);
            }
            if !state.running {
                return Outcome::Refused;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            state = match keeps && left.is_zero() {
                // The disk takes nothing: the request's own timeout ends the wait.
                false => shared.wait(state, if keeps { left } else { Duration::from_secs(1) }),
                true if state.take_back(ticket) => {
                    shared.changed.notify_all();
                    return Outcome::Refused;
                }
                true => {
                    drop(state);
                    let kept = shared.spool.keep_claimed(message, items);
                    state = shared.state();
                    match kept {
                        Ok((claim, lost)) => {
                            shared.told.kept(lost);
                            return leave(shared, state, ticket, claim);
                        }
                        Err(error) => {
                            shared.told.not_kept(&error);
                            keeps = false;
                            state
                        }
                    }
                }
            };
        }
    }
}

impl Drop for Outbox {
    /// Has the sender end, and does not wait for it.
    fn drop(&mut self) {
        let shared = self.shared.get(|| make(&self.transport, &self.settings));
        shared.state().closed = Some(Instant::now());
        shared.changed.notify_all();
    }
}

/// What became of a batch that was to be handed over.
enum Outcome {
    Settled(ExportResult),
    /// It is to be kept.
    Refused,
}

impl Outcome {
    fn of(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Outcome::Settled(Ok(())),
            Err(Failure { blame: Blame::Moment(_) | Blame::Shutdown, .. }) => Outcome::Refused,
            Err(failure) => Outcome::Settled(Err(failure.error)),
        }
    }
}

/// The batch is on disk: the sender removes it where the request is accepted.
fn leave(shared: &Shared, mut state: state::Guard<'_>, ticket: u64, claim: Claim) -> Outcome {
    let Some(result) = state.collect(ticket) else {
        if state.running {
            state.place = Place::Left(ticket, claim);
        }
        return Outcome::Settled(Ok(()));
    };
    shared.changed.notify_all();
    drop(state);
    match Outcome::of(result) {
        // It has just been kept.
        Outcome::Refused => Outcome::Settled(Ok(())),
        settled => {
            shared.told.removed(claim.done());
            settled
        }
    }
}

fn make(transport: &Arc<Transport>, settings: &SpoolSettings) -> Arc<Shared> {
    let SpoolSettings { root, max_bytes, signal, content, destination } = settings;
    let spool = Spool::new(root, *signal, *content, destination, *max_bytes);
    Arc::new(Shared::new(transport.clone(), spool, root))
}
