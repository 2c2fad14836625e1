//! A running view: two listening sockets, a thread, and the store that they fill.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::receiver::{Endpoint, Receiver};
use crate::store::{Limits, Store};

/// Where a view listens and how much it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A loopback address, or `localhost`; `127.0.0.1` by default.
    pub host: String,
    /// Port of OTLP over gRPC; 4317 by default, 0 for any free one.
    pub grpc_port: u16,
    /// Port of OTLP over HTTP; 4318 by default, 0 for any free one.
    pub http_port: u16,
    /// Bounds of the store.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { host: "127.0.0.1".to_owned(), grpc_port: 4317, http_port: 4318, limits: Limits::default() }
    }
}

/// Why a view could not start; the text says what to do about it.
#[derive(Debug)]
pub struct StartError(Problem);

#[derive(Debug)]
enum Problem {
    Host(String),
    Bind { endpoint: Endpoint, address: SocketAddr, error: io::Error },
    Runtime(io::Error),
}

impl StartError {
    /// Is a port in use by someone else?
    pub fn is_port_taken(&self) -> bool {
        matches!(&self.0, Problem::Bind { error, .. } if error.kind() == io::ErrorKind::AddrInUse)
    }

    /// Is the host not a loopback address?
    pub fn is_host_refused(&self) -> bool {
        matches!(&self.0, Problem::Host(_))
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Problem::Host(host) => write!(
                out,
                "the view listens on this computer only, so its host must be a loopback address such as 127.0.0.1 or \
                 ::1, not {host:?}"
            ),
            Problem::Bind { endpoint, address, error } => {
                let (protocol, option) = match endpoint {
                    Endpoint::Grpc => ("gRPC", "--grpc-port"),
                    Endpoint::Http => ("HTTP", "--http-port"),
                };
                let port = address.port();
                match error.kind() {
                    io::ErrorKind::AddrInUse => write!(
                        out,
                        "port {port} (OTLP over {protocol}) is taken: another program already listens on {address}, \
                         perhaps a collector or a second view. Stop it, or choose another port with {option} N (0 \
                         takes any free one) and point the exporter of your program there"
                    ),
                    io::ErrorKind::PermissionDenied => write!(
                        out,
                        "port {port} (OTLP over {protocol}) may not be used by this user; choose another, above \
                         1023, with {option} N"
                    ),
                    _ => write!(
                        out,
                        "cannot listen on {address} for OTLP over {protocol}: {error}; choose another port with \
                         {option} N"
                    ),
                }
            }
            Problem::Runtime(error) => write!(out, "the view's thread could not be started: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running receiver. It stops when it is dropped.
#[derive(Debug)]
pub struct View {
    store: Arc<Store>,
    grpc: SocketAddr,
    http: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    process: u32,
}

impl View {
    /// Starts to listen. When this returns, both ports answer.
    ///
    /// # Errors
    /// When the host is not a loopback address, or a port can't be had.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let host = loopback(&options.host)?;
        let grpc_listener = listen(Endpoint::Grpc, SocketAddr::new(host, options.grpc_port))?;
        let http_listener = listen(Endpoint::Http, SocketAddr::new(host, options.http_port))?;
        let runtime_error = |error| StartError(Problem::Runtime(error));
        let grpc = grpc_listener.local_addr().map_err(runtime_error)?;
        let http = http_listener.local_addr().map_err(runtime_error)?;
        let store = Arc::new(Store::new(options.limits));
        let receiver = Receiver::new(Arc::clone(&store), grpc.port(), http.port());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(runtime_error)?;
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async move {
                let listeners = [(Endpoint::Grpc, grpc_listener), (Endpoint::Http, http_listener)];
                for (endpoint, listener) in listeners {
                    // Registering a fresh socket fails only where the process has no descriptors left.
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                    tokio::spawn(receiver.clone().serve(endpoint, listener));
                }
                let _ = stopped.await;
            });
            runtime.shutdown_timeout(Duration::from_millis(200));
        };
        let thread = std::thread::Builder::new().name("ferrotel-view".to_owned()).spawn(serve);
        let thread = Some(thread.map_err(runtime_error)?);
        Ok(Self { store, grpc, http, stop: Some(stop), thread, process: std::process::id() })
    }

    /// Where OTLP over gRPC is received.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where OTLP over HTTP is received.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// What has arrived.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Closes both ports and all connections; what has arrived stays in the store.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if self.process != std::process::id() {
            // A forked child has no such thread, and would wait for it for ever.
            self.thread = None;
            return;
        }
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // The thread only ends with a panic if there is a bug, and then it has reported it already.
            let _ = thread.join();
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.end();
    }
}

fn loopback(host: &str) -> Result<IpAddr, StartError> {
    let bare = host.trim().trim_start_matches('[').trim_end_matches(']');
    let address =
        if bare.eq_ignore_ascii_case("localhost") { Some(Ipv4Addr::LOCALHOST.into()) } else { bare.parse().ok() };
    address.filter(IpAddr::is_loopback).ok_or_else(|| StartError(Problem::Host(host.to_owned())))
}

fn listen(endpoint: Endpoint, address: SocketAddr) -> Result<TcpListener, StartError> {
    let problem = |error| StartError(Problem::Bind { endpoint, address, error });
    let listener = TcpListener::bind(address).map_err(problem)?;
    listener.set_nonblocking(true).map_err(problem)?;
    Ok(listener)
}
