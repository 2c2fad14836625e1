//! The two OTLP endpoints: which request belongs to whom, and what both share.

mod grpc;
mod http;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tonic::body::Body;

use crate::decode::{Received, Request as Export};
use crate::origin::Protocol;
use crate::proto::ExportResponse;
use crate::store::{ReceivedRequest, Store};

/// Largest body of a request, compressed or not, in bytes.
pub(crate) const MAX_BODY: usize = 16 << 20;
/// Connections to one endpoint at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 256;
/// Bodies that are in memory at a time; more requests wait.
const MAX_BODIES: usize = 16;
/// A connection without a request is closed after this time; long, because senders keep theirs open between batches.
const IDLE: Duration = Duration::from_secs(600);
/// A sender that stalls within a request is cut off after this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a request's headers that are remembered.
const MAX_KEPT_HEADERS: usize = 8 << 10;

/// The two endpoints of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Grpc,
    Http,
}

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) store: Arc<Store>,
    pub(crate) grpc_port: u16,
    pub(crate) http_port: u16,
    bodies: Arc<Semaphore>,
}

impl Receiver {
    pub(crate) fn new(store: Arc<Store>, grpc_port: u16, http_port: u16) -> Self {
        Self { store, grpc_port, http_port, bodies: Arc::new(Semaphore::new(MAX_BODIES)) }
    }

    /// Serves one endpoint for ever.
    pub(crate) async fn serve(self, endpoint: Endpoint, listener: TcpListener) {
        let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            // The semaphore is never closed.
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let receiver = self.clone();
                    tokio::spawn(async move {
                        receiver.connection(endpoint, stream).await;
                        drop(permit);
                    });
                }
                // Out of file descriptors, or the peer has gone: neither ends the service.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn connection(self, endpoint: Endpoint, stream: TcpStream) {
        let service = service_fn(move |request: Request<Incoming>| {
            let receiver = self.clone();
            async move { Ok::<_, Infallible>(receiver.answer(endpoint, request).await) }
        });
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(IDLE).max_buf_size(64 << 10);
        server.http2().timer(TokioTimer::new()).max_concurrent_streams(64).max_header_list_size(64 << 10);
        // A broken connection concerns the sender alone, who sees it.
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    }

    async fn answer(self, endpoint: Endpoint, request: Request<Incoming>) -> Response<Body> {
        let Ok(_permit) = self.bodies.acquire().await else { return Response::new(Body::empty()) };
        let is_grpc = content_type(request.headers()).starts_with("application/grpc");
        match (endpoint, is_grpc) {
            (Endpoint::Grpc, true) => grpc::answer(&self, request).await,
            (Endpoint::Grpc, false) => http::wrong_port(&self, &request),
            (Endpoint::Http, true) => grpc::wrong_port(&self),
            (Endpoint::Http, false) => http::answer(&self, request).await,
        }
    }

    /// Stores what was received, remembers the request, and makes the answer to it.
    fn take<R: Export>(
        &self,
        protocol: Protocol,
        path: &str,
        headers: &HeaderMap,
        received: Received<R::Item>,
    ) -> ExportResponse {
        let text = |value: &header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut room = MAX_KEPT_HEADERS;
        let kept = headers.iter().take_while(|(name, value)| {
            room = room.saturating_sub(name.as_str().len() + value.len());
            room > 0
        });
        self.store.add_request(ReceivedRequest {
            signal: R::SIGNAL,
            protocol,
            path: path.to_owned(),
            headers: kept.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            items: received.items.len(),
        });
        if let Some(reason) = &received.reason {
            let items = R::SIGNAL.items();
            self.store.note_once(items, || format!("some {items} were refused, the first because {reason}"));
        }
        let response = received.response(R::SIGNAL);
        R::keep(received, &self.store);
        response
    }

    /// Says once that profiles arrive, which the view doesn't show.
    fn refuse_profiles(&self) -> &'static str {
        self.store.note_once("profiles", || {
            "a program sends profiles here; they are refused, because this view shows traces, metrics and logs only"
                .to_owned()
        });
        "this receiver takes traces, metrics and logs only, not profiles"
    }
}

fn content_type(headers: &HeaderMap) -> String {
    let whole = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    whole.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}
