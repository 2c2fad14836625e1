//! Sending encoded requests, whatever their signal.

mod answer;
mod compression;
mod connect;
mod failure;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod grpc;
mod http;
mod notice;
mod proxy;
mod retry;
mod session;
pub(crate) mod status;
pub(crate) mod tls;
mod trouble;

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use ::http::{HeaderMap, Uri};
use ferrotel::common::diagnostics::{self, Level};
use ferrotel::sdk::batch::PerProcess;
use ferrotel::sdk::export::{ExportError, ExportResult};
use hyper::body::Bytes;
use rustls::ClientConfig;

pub use compression::{Compression, UnknownCompression};
pub(crate) use failure::{Blame, Failure};
pub(crate) use proxy::Proxies;
pub(crate) use retry::backoff;

use crate::config::shown;
use crate::outbox::SpoolSettings;
use crate::signal::Signal;
use session::{Session, Turn};
use trouble::{Retry, Trouble};

/// How OTLP travels (OTLP exporter specification, `protocol`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC, on port 4317 by default.
    Grpc,
    /// Protobuf over HTTP/1.1, on port 4318 by default.
    HttpProtobuf,
    /// JSON over HTTP/1.1, on port 4318 by default.
    HttpJson,
}

impl Protocol {
    /// The specification's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Protocol::Grpc => "grpc",
            Protocol::HttpProtobuf => "http/protobuf",
            Protocol::HttpJson => "http/json",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownProtocol;

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let word = word.trim();
        [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson]
            .into_iter()
            .find(|protocol| word.eq_ignore_ascii_case(protocol.as_str()))
            .ok_or(UnknownProtocol)
    }
}

impl fmt::Display for UnknownProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected one of: 'grpc', 'http/protobuf', 'http/json'")
    }
}

impl std::error::Error for UnknownProtocol {}

/// Everything that is known before the first request.
pub(crate) struct Settings {
    pub signal: &'static Signal,
    pub protocol: Protocol,
    /// For log lines: over HTTP the URL, over gRPC the host and port, as the reference shows them, without secrets.
    pub endpoint: String,
    /// Where requests go.
    pub uri: Uri,
    /// Sent with every request.
    pub headers: HeaderMap,
    /// For one export with all its retries.
    pub timeout: Duration,
    pub compression: Compression,
    pub identity: tls::Identity,
    pub proxies: Proxies,
    /// gRPC codes after which to try again; `None`: the specification's.
    pub retryable: Option<Vec<i32>>,
    /// Where batches wait that are not delivered; `None`: in memory.
    pub spool: Option<SpoolSettings>,
}

impl Settings {
    pub fn log_target(&self) -> &'static str {
        match self.protocol {
            Protocol::Grpc => self.signal.grpc_target,
            _ => self.signal.http_target,
        }
    }

    /// For log lines: scheme, host, port and path; a query may hold a secret.
    fn shown_uri(&self) -> String {
        let scheme = self.uri.scheme_str().unwrap_or("http");
        let authority = self.uri.authority().map_or("", ::http::uri::Authority::as_str);
        let path = if self.protocol == Protocol::Grpc { "" } else { self.uri.path() };
        shown(&format!("{scheme}://{authority}{path}"))
    }

    /// The line without configured header values and what the endpoint's query says: a server that refuses a request may
    /// quote it.
    fn without_secrets(&self, line: String) -> String {
        // What is shorter is no secret, and would be found inside of words.
        const SHORTEST: usize = 6;
        let values = self.headers.values().filter(|value| value.is_sensitive()).filter_map(|value| value.to_str().ok());
        let query = self.uri.query().unwrap_or_default().split('&').map(|pair| pair.rsplit('=').next().unwrap_or(pair));
        let mut line = line;
        for secret in
            values.flat_map(|value| [Some(value), value.split_once(' ').map(|(_, token)| token)]).flatten().chain(query)
        {
            let secret = secret.trim();
            if secret.len() >= SHORTEST && line.contains(secret) {
                line = line.replace(secret, "***");
            }
        }
        line
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if self.uri.scheme() != Some(&::http::uri::Scheme::HTTPS) {
            // Never used, and the system's certificates take a while to read.
            return tls::unused();
        }
        self.identity.client_config(if self.protocol == Protocol::Grpc { b"h2" } else { b"http/1.1" })
    }
}

/// After shutdown, a request that is under way may still take this long.
const GRACE: Duration = Duration::from_secs(1);

/// So many requests may be under way at once while the server accepts what it gets.
const SIDE_BY_SIDE: usize = 4;

/// Sends requests to one endpoint, with retries. Nothing is connected and no runtime made before the first request.
pub(crate) struct Transport {
    pub settings: Settings,
    turn: PerProcess<Turn>,
    closed: AtomicBool,
    /// Nothing is tried again.
    hurried: AtomicBool,
    /// The last answer was good.
    works: AtomicBool,
}

impl Transport {
    pub fn new(settings: Settings) -> Self {
        Transport {
            settings,
            turn: PerProcess::new(Turn::default()),
            closed: AtomicBool::new(false),
            hurried: AtomicBool::new(false),
            works: AtomicBool::new(false),
        }
    }

    /// An encoded request, made ready to be sent.
    pub fn pack(&self, message: &[u8]) -> Bytes {
        let body = self.settings.compression.compress(message);
        match self.settings.protocol {
            Protocol::Grpc => grpc::frame(&body, self.settings.compression != Compression::None),
            _ => body.into_owned().into(),
        }
    }

    /// How many requests may be under way at once now: one until the server has accepted something, and when it does not.
    pub fn concurrency(&self) -> usize {
        if self.works.load(Ordering::Relaxed) { SIDE_BY_SIDE } else { 1 }
    }

    /// Sends what [`Transport::pack`] returned, for at most the timeout, on this thread.
    pub fn send(&self, body: Bytes) -> ExportResult {
        self.send_as(body, Tries::Many).map_err(|failure| failure.error)
    }

    /// Sends what [`Transport::pack`] returned, and tries nothing again.
    pub fn send_once(&self, body: Bytes) -> Result<(), Failure> {
        self.send_as(body, Tries::One)
    }

    fn send_as(&self, body: Bytes, tries: Tries) -> Result<(), Failure> {
        let start = Instant::now();
        let deadline = start.checked_add(self.settings.timeout).unwrap_or(start + Duration::from_secs(86_400));
        let turn = self.turn.get(Turn::default);
        let Some((number, mut session)) = turn.take(deadline, self.concurrency()) else {
            let trouble = Trouble::timeout(self.settings.protocol, self.settings.timeout);
            let line = notice::Notices::default().failure(&self.settings, &trouble, true);
            return Err(Failure::of(&self.settings, &trouble, line));
        };
        let result = catch_unwind(AssertUnwindSafe(|| self.run(turn, &mut session, body, deadline, tries)));
        match result {
            Ok(result) => {
                let close = self.is_closed();
                turn.give_back(number, Some(session));
                if close {
                    turn.close();
                }
                result
            }
            Err(_) => {
                // Its state is unknown; dropping it could panic once more.
                std::mem::forget(session);
                turn.give_back(number, None);
                let (name, endpoint) = (self.settings.signal.name, &self.settings.endpoint);
                let line = format!("Failed to export {name} to {endpoint}: an error inside the exporter");
                Err(Failure { error: ExportError::failed(line), blame: Blame::Batch })
            }
        }
    }

    /// Ends a wait for the next attempt at once and the request that is under way soon; returns whether this was the
    /// first call.
    pub fn close(&self) -> bool {
        let first = !self.closed.swap(true, Ordering::AcqRel);
        let turn = self.turn.get(Turn::default);
        turn.shutdown.notify_waiters();
        turn.close();
        first
    }

    /// With `true`, ends a wait for the next attempt, makes that attempt, and then tries nothing again.
    pub fn hurry(&self, hurried: bool) {
        self.hurried.store(hurried, Ordering::Release);
        if hurried {
            self.turn.get(Turn::default).hurry.notify_waiters();
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits for the requests that are under way; `false` when `timeout` passed first.
    pub fn wait(&self, timeout: Duration) -> bool {
        let now = Instant::now();
        let turn = self.turn.get(Turn::default);
        turn.settle(now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400)))
    }

    fn run(
        &self,
        turn: &Turn,
        session: &mut Session,
        body: Bytes,
        deadline: Instant,
        tries: Tries,
    ) -> Result<(), Failure> {
        let runtime = session.runtime().map_err(|error| {
            let (name, endpoint) = (self.settings.signal.name, &self.settings.endpoint);
            let line = format!("Failed to export {name} to {endpoint}: no event loop could be made: {error}");
            Failure { error: ExportError::failed(line), blame: Blame::Moment(None) }
        })?;
        let work = self.deliver(turn, session, body, deadline, tries);
        if tokio::runtime::Handle::try_current().is_ok() {
            // A thread of somebody's runtime must not run another one.
            return std::thread::scope(|scope| match scope.spawn(|| runtime.block_on(work)).join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            });
        }
        runtime.block_on(work)
    }

    async fn deliver(
        &self,
        turn: &Turn,
        session: &mut Session,
        body: Bytes,
        deadline: Instant,
        tries: Tries,
    ) -> Result<(), Failure> {
        // The connection has stood still since the last export: let it see first whether the server has closed it.
        for _ in 0..2 {
            tokio::task::yield_now().await;
        }
        let settings = &self.settings;
        let mut at_once = true;
        let mut retry = 0;
        loop {
            let client = session.client(settings).map_err(|error| {
                let line = format!("Failed to export {}: no TLS: {error}", settings.signal.name);
                Failure { error: ExportError::failed(line), blame: Blame::Setting }
            })?;
            let used = client.used;
            let outcome = first(self.attempt(client, body.clone(), deadline), self.stopped(turn, deadline)).await;
            let trouble = match outcome {
                Ok(Ok(partial)) => {
                    client.used = true;
                    self.works.store(true, Ordering::Relaxed);
                    let lines = turn.notices().success(settings, partial);
                    lines.into_iter().flatten().for_each(|line| line.log(settings));
                    return Ok(());
                }
                Ok(Err(trouble)) => trouble,
                Err(Stop::Deadline) => Trouble::timeout(settings.protocol, settings.timeout),
                Err(Stop::Shutdown) => {
                    session.disconnect();
                    self.warn("Shutdown in progress, aborting the request that is under way.");
                    return Err(Failure::shutdown());
                }
            };
            if trouble.connection {
                session.disconnect();
            } else {
                client.used = true;
            }
            let now = Instant::now();
            if trouble.connection && used && at_once && trouble.retry != Retry::Never && now < deadline {
                at_once = false;
                continue;
            }
            self.works.store(false, Ordering::Relaxed);
            let wait = match trouble.retry {
                Retry::Never => return Err(self.failed(turn, &trouble, false)),
                Retry::Backoff => retry::backoff(retry),
                Retry::After(wait) => wait,
            };
            retry += 1;
            let too_late = tries == Tries::One
                || wait > deadline.saturating_duration_since(now)
                || self.hurried.load(Ordering::Acquire);
            if retry == retry::MAX_ATTEMPTS || too_late || self.is_closed() {
                return Err(self.failed(turn, &trouble, true));
            }
            let line = turn.notices().transient(settings, &trouble, wait);
            if let Some(line) = line {
                line.log(settings);
            }
            let pause = tokio::time::timeout(wait, self.in_a_hurry(turn));
            if first(pause, self.shut_down(turn)).await.is_err() {
                self.warn("Shutdown in progress, aborting retry.");
                return Err(Failure::shutdown());
            }
        }
    }

    async fn attempt(
        &self,
        client: &session::Client,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Option<answer::Partial>, Trouble> {
        let settings = &self.settings;
        match settings.protocol {
            Protocol::Grpc => {
                let remaining = deadline.saturating_duration_since(Instant::now());
                grpc::attempt(client, settings, &settings.headers, body, remaining).await
            }
            _ => http::attempt(client, settings, &settings.headers, body, deadline).await,
        }
    }

    async fn stopped(&self, turn: &Turn, deadline: Instant) -> Stop {
        match tokio::time::timeout_at(deadline.into(), self.shut_down(turn)).await {
            Err(_) => Stop::Deadline,
            Ok(()) => {
                tokio::time::sleep_until(deadline.min(Instant::now() + GRACE).into()).await;
                Stop::Shutdown
            }
        }
    }

    async fn in_a_hurry(&self, turn: &Turn) {
        let mut notified = pin!(turn.hurry.notified());
        notified.as_mut().enable();
        if !self.hurried.load(Ordering::Acquire) {
            notified.await;
        }
    }

    async fn shut_down(&self, turn: &Turn) {
        let mut notified = pin!(turn.shutdown.notified());
        // Registered before the question, so that no call in between is missed.
        notified.as_mut().enable();
        if !self.is_closed() {
            notified.await;
        }
    }

    fn failed(&self, turn: &Turn, trouble: &Trouble, tried_again: bool) -> Failure {
        let line = turn.notices().failure(&self.settings, trouble, tried_again);
        Failure::of(&self.settings, trouble, line)
    }

    fn warn(&self, line: &str) {
        diagnostics::log(Level::Warning, self.settings.log_target(), line);
    }
}

/// How often one export is tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tries {
    /// As often as the timeout allows.
    Many,
    /// Once, and once more over a new connection where an old one turns out to be closed.
    One,
}

enum Stop {
    Deadline,
    Shutdown,
}

/// What `work` returns, or `limit` where that is ready first.
async fn first<T, L>(work: impl Future<Output = T>, limit: impl Future<Output = L>) -> Result<T, L> {
    let (mut work, mut limit) = (pin!(work), pin!(limit));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Ok(value)),
        Poll::Pending => limit.as_mut().poll(cx).map(Err),
    })
    .await
}
