//! Connections: directly or through a proxy, with or without TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Maybe = HttpsConnector<HttpConnector>;

/// Makes the connections of one client.
#[derive(Clone)]
pub(super) struct Connector {
    route: Route,
    seen: Seen,
}

#[derive(Clone)]
enum Route {
    Direct(Maybe),
    /// `CONNECT` to the destination at the proxy.
    Tunnel(HttpsConnector<Tunnel<Maybe>>),
    /// Requests without TLS are sent to the proxy, with the whole URL.
    Forward(Maybe, Uri),
}

impl Connector {
    /// A connector to the endpoint. `tls` is for the endpoint, `proxy_tls` for the way to a proxy with an `https` URL;
    /// `timeout` is that of an export.
    pub fn new(
        tls: Arc<ClientConfig>,
        proxy: Option<(&Intercept, Arc<ClientConfig>)>,
        always_tunnel: bool,
        timeout: Duration,
        seen: Seen,
    ) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        notice_death(&mut tcp, timeout);
        let route = match proxy {
            None => Route::Direct((tcp, tls).into()),
            Some((proxy, proxy_tls)) => {
                let to_proxy: Maybe = (tcp, proxy_tls).into();
                if always_tunnel {
                    let mut tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
                    if let Some(auth) = proxy.basic_auth() {
                        tunnel = tunnel.with_auth(auth.clone());
                    }
                    Route::Tunnel((tunnel, tls).into())
                } else {
                    Route::Forward(to_proxy, proxy.uri().clone())
                }
            }
        };
        Connector { route, seen }
    }
}

/// Has the system give a connection up whose other end is gone without having closed it: a machine that lost its power
/// or its address, a firewall that forgot the connection. An export must learn that while it still has the time for a new
/// connection; one that comes after a long pause, at once.
fn notice_death(tcp: &mut HttpConnector, timeout: Duration) {
    tcp.set_keepalive(Some(IDLE));
    tcp.set_keepalive_interval(Some(PROBE));
    tcp.set_keepalive_retries(Some(3));
    // How long what was sent may stay unacknowledged.
    #[cfg(target_os = "linux")]
    tcp.set_tcp_user_timeout(Some((timeout / 3).clamp(Duration::from_secs(1), IDLE)));
    #[cfg(not(target_os = "linux"))]
    let _ = timeout;
}

/// How long a connection stands idle before the system asks whether the other end is still there.
const IDLE: Duration = Duration::from_secs(15);
/// How long it waits for the answer.
const PROBE: Duration = Duration::from_secs(5);

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        let seen = self.seen.clone();
        *seen.facts() = Facts::default();
        let route = self.route.clone();
        Box::pin(async move {
            let (stream, forwarded): (Box<dyn Stream>, bool) = match route {
                Route::Direct(mut connector) => (Box::new(TokioIo::new(connector.call(destination).await?)), false),
                Route::Tunnel(mut connector) => (Box::new(TokioIo::new(connector.call(destination).await?)), false),
                Route::Forward(mut connector, proxy) => (Box::new(TokioIo::new(connector.call(proxy).await?)), true),
            };
            seen.facts().connected = true;
            Ok(TokioIo::new(Wire { stream: stream.into(), forwarded, seen, mute: true, last_words: None }))
        })
    }
}

/// What the newest connection told about the server.
#[derive(Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Facts>>);

#[derive(Default)]
struct Facts {
    connected: bool,
    /// The first bytes that came: they tell which protocol the server really speaks.
    first: Option<[u8; 8]>,
    /// What TLS had against the connection after it was made, a missing client certificate above all.
    refusal: Option<rustls::Error>,
}

impl Seen {
    /// What the server turned out to be, where it can be told.
    pub fn server(&self) -> Option<Server> {
        let facts = self.facts();
        match facts.first {
            Some([b'H', b'T', b'T', b'P', b'/', ..]) => Some(Server::Http1),
            // A bare page, as HTTP/0.9 had it: so Python's http.server answers what it can't read as a request.
            Some([b'<', ..]) => Some(Server::Http1),
            // An alert: type 21, version 3.x.
            Some([0x15, 0x03, ..]) => Some(Server::Tls),
            // A settings frame: 24 bits of length, type 4.
            Some([0, _, _, 4, ..]) => Some(Server::Http2),
            Some(_) => None,
            None => (facts.connected && facts.refusal.is_none()).then_some(Server::Mute),
        }
    }

    /// What TLS had against the connection.
    pub fn refusal(&self) -> Option<rustls::Error> {
        self.facts().refusal.clone()
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, bytes: &[u8]) {
        let mut first = [0; 8];
        let count = bytes.len().min(8);
        first[..count].copy_from_slice(&bytes[..count]);
        self.facts().first = Some(first);
    }

    fn note_error(&self, error: &io::Error) {
        if let Some(tls) = error.get_ref().and_then(|inside| inside.downcast_ref::<rustls::Error>()) {
            self.facts().refusal = Some(tls.clone());
        }
    }
}

/// What a server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Server {
    Http1,
    Http2,
    Tls,
    /// Nothing at all came.
    Mute,
}

trait Stream: AsyncRead + AsyncWrite + Connection + Send {}
impl<T: AsyncRead + AsyncWrite + Connection + Send> Stream for T {}

/// One connection, whatever it is made of.
pub(super) struct Wire {
    stream: Pin<Box<dyn Stream>>,
    forwarded: bool,
    seen: Seen,
    /// Nothing has come yet.
    mute: bool,
    last_words: Option<Pin<Box<Sleep>>>,
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.forwarded)
    }
}

impl Wire {
    /// A server that refuses a connection says why and closes it; writing then fails before anybody has read what it
    /// said. So a failure of writing waits a moment for it.
    fn after_write<T>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if !matches!(polled, Poll::Ready(Err(_))) || !self.mute {
            return polled;
        }
        let mut first = [0; 8];
        if self.as_mut().poll_read(cx, &mut ReadBuf::new(&mut first)).is_ready() {
            return polled;
        }
        let moment = self.last_words.get_or_insert_with(|| Box::pin(sleep(LAST_WORDS)));
        if moment.as_mut().poll(cx).is_pending() { Poll::Pending } else { polled }
    }
}

/// How long the failure of a write waits for what the server had to say.
const LAST_WORDS: Duration = Duration::from_millis(20);

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let polled = self.stream.as_mut().poll_read(cx, out);
        if let Poll::Ready(Err(error)) = &polled {
            self.seen.note_error(error);
        } else if self.mute && out.filled().len() > before {
            self.mute = false;
            self.seen.note(&out.filled()[before..]);
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = self.stream.as_mut().poll_write(cx, bytes);
        self.after_write(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.stream.as_mut().poll_flush(cx);
        self.after_write(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = self.stream.as_mut().poll_write_vectored(cx, parts);
        self.after_write(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
