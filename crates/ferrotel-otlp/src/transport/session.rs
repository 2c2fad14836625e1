//! The runtimes and the connections behind one exporter, each taken by one export at a time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::header::PROXY_AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::{self, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use super::connect::{Connector, Seen};
use super::notice::Notices;
use super::{Protocol, Settings};

/// What one process holds of an exporter; a forked child starts with a new one.
#[derive(Default)]
pub(super) struct Turn {
    places: Mutex<Places>,
    freed: Condvar,
    /// Wakes the exports that are under way when the exporter is shut down.
    pub shutdown: Notify,
    /// Ends their wait for the next attempt.
    pub hurry: Notify,
    /// What was said in the log.
    notices: Mutex<Notices>,
}

#[derive(Default)]
struct Places {
    /// The one that was used last comes last, with the time of that.
    free: Vec<(Box<Session>, Instant)>,
    /// The numbers of the turns that are under way.
    taken: Vec<u64>,
    /// The number of the next turn.
    next: u64,
}

impl Places {
    fn take(&mut self) -> (u64, Box<Session>) {
        let number = self.next;
        self.next += 1;
        self.taken.push(number);
        (number, self.free.pop().map_or_else(Box::default, |(session, _)| session))
    }
}

/// A connection that a peak needed is closed when it has not been used for so long.
const SPARE: Duration = Duration::from_secs(30);

impl Turn {
    /// Takes a session, with the number of the turn, once fewer than `most` are taken; `None` when `deadline` passed
    /// first.
    pub fn take(&self, deadline: Instant, most: usize) -> Option<(u64, Box<Session>)> {
        let mut places = self.lock();
        while places.taken.len() >= most {
            places = self.wait(places, deadline)?;
        }
        Some(places.take())
    }

    /// Gives the session of a turn back; `None` has a later export make a new one.
    pub fn give_back(&self, number: u64, session: Option<Box<Session>>) {
        let now = Instant::now();
        let mut places = self.lock();
        places.taken.retain(|&taken| taken != number);
        let cut = places.free.iter().take_while(|(_, used)| now.duration_since(*used) > SPARE).count();
        let old: Vec<_> = places.free.drain(..cut).collect();
        places.free.extend(session.map(|session| (session, now)));
        drop(places);
        self.freed.notify_all();
        drop(old);
    }

    /// Waits for the exports that are under way now; `false` when `deadline` passed first.
    pub fn settle(&self, deadline: Instant) -> bool {
        let mut places = self.lock();
        let next = places.next;
        while places.taken.iter().any(|&number| number < next) {
            match self.wait(places, deadline) {
                Some(later) => places = later,
                None => return false,
            }
        }
        true
    }

    /// Ends the connections where no export is under way.
    pub fn close(&self) {
        let free = std::mem::take(&mut self.lock().free);
        drop(free);
    }

    /// Never held while anything is logged.
    pub fn notices(&self) -> MutexGuard<'_, Notices> {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, places: MutexGuard<'a, Places>, deadline: Instant) -> Option<MutexGuard<'a, Places>> {
        let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        Some(self.freed.wait_timeout(places, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime and the client. It runs on the thread of whoever exports, and stands still between exports.
#[derive(Default)]
pub(super) struct Session {
    client: Option<Client>,
    runtime: Option<Own>,
    tls: Option<Arc<ClientConfig>>,
}

impl Session {
    /// The runtime, made with the first export.
    pub fn runtime(&mut self) -> std::io::Result<Arc<Runtime>> {
        if self.runtime.is_none() {
            let runtime = Builder::new_current_thread()
                .enable_io()
                .enable_time()
                // Only name resolution blocks.
                .max_blocking_threads(4)
                .thread_keep_alive(Duration::from_secs(1))
                .thread_name("ferrotel-otlp-dns")
                .build()?;
            self.runtime = Some(Own(Some(Arc::new(runtime))));
        }
        self.runtime.as_ref().and_then(|own| own.0.clone()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }

    /// The client, made with the first export and after a connection was lost.
    pub fn client(&mut self, settings: &Settings) -> Result<&mut Client, rustls::Error> {
        if self.client.is_none() {
            let tls = match &self.tls {
                Some(tls) => tls.clone(),
                None => self.tls.insert(settings.tls()?).clone(),
            };
            self.client = Some(Client::new(settings, tls)?);
        }
        self.client.as_mut().ok_or(rustls::Error::HandshakeNotComplete)
    }

    /// Has the next request made over a new connection.
    pub fn disconnect(&mut self) {
        self.client = None;
    }
}

/// Drops a runtime without waiting, which is allowed on every thread.
struct Own(Option<Arc<Runtime>>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take().and_then(Arc::into_inner) {
            runtime.shutdown_background();
        }
    }
}

/// An HTTP client for one endpoint: it keeps one connection alive.
pub(super) struct Client {
    client: legacy::Client<Connector, Full<Bytes>>,
    /// For the proxy that requests are forwarded by.
    authorization: Option<HeaderValue>,
    seen: Seen,
    /// An answer came over it already: a connection that breaks now may just have been idle for too long.
    pub used: bool,
}

impl Client {
    fn new(settings: &Settings, tls: Arc<ClientConfig>) -> Result<Self, rustls::Error> {
        let grpc = settings.protocol == Protocol::Grpc;
        let seen = Seen::default();
        let secure = settings.uri.scheme() == Some(&http::uri::Scheme::HTTPS);
        let proxy = settings.proxies.for_destination(&settings.uri);
        let proxy = match &proxy {
            Some(proxy) if proxy.uri().scheme() == Some(&http::uri::Scheme::HTTPS) => {
                Some((proxy, settings.identity.client_config(b"http/1.1")?))
            }
            Some(proxy) => Some((proxy, tls.clone())),
            None => None,
        };
        let tunnel = secure || grpc;
        let authorization = proxy.as_ref().filter(|_| !tunnel).and_then(|(proxy, _)| proxy.basic_auth().cloned());
        let connector = Connector::new(tls, proxy, tunnel, settings.timeout, seen.clone());
        let client = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_max_idle_per_host(1)
            .http2_only(grpc)
            .http1_max_buf_size(64 * 1024)
            .http2_max_header_list_size(64 * 1024)
            .build(connector);
        Ok(Client { client, authorization, seen, used: false })
    }

    /// Sends one request.
    pub async fn request(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization.clone());
        }
        self.client.request(request).await
    }

    /// What the server showed itself to be.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }
}
