//! OTLP over gRPC: the `Export` methods of the three services.

use std::future::{Ready, ready};
use std::marker::PhantomData;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::{Export, MAX_BODY, PATIENCE, Receiver};
use crate::origin::Protocol;
use crate::proto::{ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportResponse, ExportTraceServiceRequest};
use crate::signal::Signal;

const PROFILES: &str = "/opentelemetry.proto.collector.profiles.";

pub(super) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    match Signal::ALL.into_iter().find(|signal| signal.grpc_path() == path) {
        Some(Signal::Traces) => export::<ExportTraceServiceRequest>(receiver, request).await,
        Some(Signal::Metrics) => export::<ExportMetricsServiceRequest>(receiver, request).await,
        Some(Signal::Logs) => export::<ExportLogsServiceRequest>(receiver, request).await,
        None => {
            let text = if path.starts_with(PROFILES) {
                receiver.refuse_profiles()
            } else {
                "this receiver knows no methods but TraceService/Export, MetricsService/Export and LogsService/Export"
            };
            Status::new(Code::Unimplemented, text).into_http()
        }
    }
}

async fn export<R: Export>(receiver: &Receiver, request: Request<Incoming>) -> Response<Body> {
    let codec: ProstCodec<ExportResponse, R> = ProstCodec::default();
    let mut grpc = Grpc::new(codec).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(MAX_BODY);
    let method = Method { receiver: receiver.clone(), headers: request.headers().clone(), request: PhantomData::<R> };
    match tokio::time::timeout(PATIENCE, grpc.unary(method, request)).await {
        Ok(response) => response,
        Err(_) => Status::deadline_exceeded("the request's body did not arrive in time").into_http(),
    }
}

/// A gRPC request on the port for HTTP: refused, because a collector would refuse it too.
pub(super) fn wrong_port(receiver: &Receiver) -> Response<Body> {
    let (grpc, http) = (receiver.grpc_port, receiver.http_port);
    let text =
        format!("port {http} is for OTLP over HTTP (protocol http/protobuf or http/json); gRPC is on port {grpc}");
    receiver.store.note_once("grpc on the http port", || format!("a program sends gRPC to the wrong port: {text}"));
    Status::unimplemented(text).into_http()
}

struct Method<R> {
    receiver: Receiver,
    headers: HeaderMap,
    request: PhantomData<R>,
}

impl<R: Export> UnaryService<R> for Method<R> {
    type Response = ExportResponse;
    type Future = Ready<Result<tonic::Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<R>) -> Self::Future {
        let received = request.into_inner().into_received(Protocol::Grpc);
        let path = R::SIGNAL.grpc_path();
        let response = self.receiver.take::<R>(Protocol::Grpc, path, &self.headers, received);
        ready(Ok(tonic::Response::new(response)))
    }
}
