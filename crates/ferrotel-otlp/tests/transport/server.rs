//! A small server that answers as a test wants, over HTTP/1.1 or HTTP/2, with TLS or without.

use std::convert::Infallible;
use std::future::ready;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_rustls::TlsAcceptor;

/// One answer.
#[derive(Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(&'static str, String)>,
    pub delay: Duration,
}

impl Answer {
    pub fn http(status: u16) -> Self {
        Answer { status, headers: vec![], body: vec![], trailers: vec![], delay: Duration::ZERO }
    }

    pub fn grpc(code: i32) -> Self {
        let answer = Answer::http(200).header("content-type", "application/grpc");
        let answer = if code == 0 { answer.body(vec![0; 5]) } else { answer };
        answer.trailer("grpc-status", code.to_string())
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn trailer(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.trailers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

/// What came.
pub struct Received {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Speaks {
    Http1,
    Http2,
}

/// Answers in the order given, the last answer for ever.
pub struct Server {
    pub port: u16,
    pub received: Arc<Mutex<Vec<Received>>>,
    pub connections: Arc<AtomicUsize>,
    stop: Option<(tokio::sync::oneshot::Sender<()>, std::thread::JoinHandle<()>)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.stop.take() {
            drop(stop);
            thread.join().unwrap();
        }
    }
}

impl Server {
    pub fn start(speaks: Speaks, answers: Vec<Answer>) -> Self {
        Server::start_with(speaks, answers, None)
    }

    pub fn start_with(speaks: Speaks, answers: Vec<Answer>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        Server::start_at(0, speaks, answers, tls)
    }

    /// At this port, or any for 0.
    pub fn start_at(port: u16, speaks: Speaks, answers: Vec<Answer>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let state = (received.clone(), connections.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.spawn(serve(listener, speaks, answers, tls, state));
            let _ = runtime.block_on(stopped);
        });
        Server { port, received, connections, stop: Some((stop, thread)) }
    }

    pub fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

type State = (Arc<Mutex<Vec<Received>>>, Arc<AtomicUsize>);

async fn serve(
    listener: TcpListener,
    speaks: Speaks,
    answers: Vec<Answer>,
    tls: Option<Arc<rustls::ServerConfig>>,
    (received, connections): State,
) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let answers = Arc::new(answers);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        connections.fetch_add(1, Ordering::SeqCst);
        let (answers, received, tls) = (answers.clone(), received.clone(), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, answers.clone(), received.clone()));
            match tls {
                None => connection(TokioIo::new(stream), speaks, service).await,
                Some(tls) => {
                    if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                        connection(TokioIo::new(stream), speaks, service).await;
                    }
                }
            }
        });
    }
}

async fn connection<I, S, F, B>(io: I, speaks: Speaks, service: S)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
    S: hyper::service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future = F>,
    F: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: hyper::body::Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let _ = match speaks {
        Speaks::Http1 => hyper::server::conn::http1::Builder::new().serve_connection(io, service).await,
        Speaks::Http2 => {
            hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(io, service).await
        }
    };
}

async fn answer(
    request: Request<Incoming>,
    answers: Arc<Vec<Answer>>,
    received: Arc<Mutex<Vec<Received>>>,
) -> Result<Response<impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let at = {
        let mut received = received.lock().unwrap();
        let path = head.uri.to_string();
        received.push(Received { method: head.method.to_string(), path, headers: head.headers, body });
        received.len() - 1
    };
    let answer = answers.get(at).or(answers.last()).unwrap().clone();
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let mut trailers = HeaderMap::new();
    for (name, value) in answer.trailers {
        trailers.insert(name, value.parse().unwrap());
    }
    let trailers = (!trailers.is_empty()).then_some(Ok(trailers));
    Ok(response.body(Full::new(Bytes::from(answer.body)).with_trailers(ready(trailers))).unwrap())
}

/// A listener that hands each connection to `act`, one after another.
pub fn raw(act: impl Fn(usize, TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (at, stream) in listener.incoming().enumerate() {
            act(at, stream.unwrap());
        }
    });
    port
}

/// Reads what is there and writes `bytes`.
pub fn say(mut stream: TcpStream, bytes: &[u8]) {
    let mut request = [0; 65536];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(bytes);
}

/// A port on which nothing listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
