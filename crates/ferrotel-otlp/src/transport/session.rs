//! The runtime and the connections behind one exporter, taken by one export at a time.

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
    place: Mutex<Place>,
    freed: Condvar,
    /// Wakes the export that is under way when the exporter is shut down.
    pub shutdown: Notify,
    /// Ends its wait for the next attempt.
    pub hurry: Notify,
}

#[derive(Default)]
enum Place {
    #[default]
    Never,
    Free(Box<Session>),
    Taken,
}

impl Turn {
    /// Waits for the session until `deadline`; makes one where there is none.
    pub fn take(&self, deadline: Instant) -> Option<Box<Session>> {
        let mut place = self.lock();
        loop {
            match std::mem::replace(&mut *place, Place::Taken) {
                Place::Free(session) => return Some(session),
                Place::Never => return Some(Box::default()),
                Place::Taken => {}
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            place = self.freed.wait_timeout(place, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives the session back; `None` has the next export make a new one.
    pub fn give_back(&self, session: Option<Box<Session>>) {
        *self.lock() = session.map_or(Place::Never, Place::Free);
        self.freed.notify_one();
    }

    /// Ends the connections where no export is under way.
    pub fn close(&self) {
        let mut place = self.lock();
        if let Place::Free(session) = &mut *place {
            session.disconnect();
            session.runtime = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime and the client. It runs on the thread of whoever exports, and stands still between exports.
#[derive(Default)]
pub(super) struct Session {
    client: Option<Client>,
    runtime: Option<Own>,
    tls: Option<Arc<ClientConfig>>,
    /// What was said in the log.
    pub notices: Notices,
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
