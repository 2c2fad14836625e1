//! Why a request was not accepted in the end, for who may keep it and try again later.

use std::time::Duration;

use ferrotel::sdk::export::ExportError;

use super::trouble::{Retry, Trouble};
use super::{Protocol, Settings};

/// A request that was not accepted.
#[derive(Debug)]
pub(crate) struct Failure {
    pub error: ExportError,
    pub blame: Blame,
}

/// What it was that the request failed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The moment: later it may be accepted, not before this time where the server says so.
    Moment(Option<Duration>),
    /// What the exporter or the server is set to: a path, credentials, certificates. Other requests fail like it.
    Setting,
    /// The request itself.
    Batch,
    /// The exporter is shut down.
    Shutdown,
}

impl Failure {
    pub(super) fn of(settings: &Settings, trouble: &Trouble, line: String) -> Self {
        let blame = match trouble.retry {
            Retry::Backoff => Blame::Moment(None),
            Retry::After(wait) => Blame::Moment(Some(wait)),
            Retry::Never if is_about_the_request(settings.protocol, trouble.code) => Blame::Batch,
            Retry::Never => Blame::Setting,
        };
        Failure { error: ExportError::failed(line), blame }
    }

    pub(super) fn shutdown() -> Self {
        Failure { error: ExportError::shutdown(), blame: Blame::Shutdown }
    }
}

fn is_about_the_request(protocol: Protocol, code: Option<i32>) -> bool {
    match protocol {
        // INVALID_ARGUMENT; RESOURCE_EXHAUSTED that does not say when to come again: too large.
        Protocol::Grpc => matches!(code, Some(3 | 8)),
        _ => matches!(code, Some(400 | 413 | 422)),
    }
}
