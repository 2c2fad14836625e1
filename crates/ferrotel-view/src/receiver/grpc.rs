//! OTLP over gRPC: `opentelemetry.proto.collector.trace.v1.TraceService/Export`.

use std::future::{Ready, ready};

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, UnaryService};
use tonic::{Code, Status};
use tonic_prost::ProstCodec;

use super::{MAX_BODY, PATIENCE, Receiver, Signal};
use crate::proto::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use crate::span::{Protocol, Received};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const COLLECTOR: &str = "/opentelemetry.proto.collector.";

pub(super) async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path();
    if path != EXPORT {
        return Status::new(Code::Unimplemented, unknown(receiver, path)).into_http();
    }
    let codec: ProstCodec<ExportTraceServiceResponse, ExportTraceServiceRequest> = ProstCodec::default();
    let mut grpc = Grpc::new(codec).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(MAX_BODY);
    let export = Export { receiver: receiver.clone(), headers: request.headers().clone() };
    match tokio::time::timeout(PATIENCE, grpc.unary(export, request)).await {
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

fn unknown(receiver: &Receiver, path: &str) -> String {
    let service = path.strip_prefix(COLLECTOR).unwrap_or("");
    let signals = [("metrics.", Signal::Metrics), ("logs.", Signal::Logs), ("profiles.", Signal::Profiles)];
    match signals.into_iter().find(|(prefix, _)| service.starts_with(prefix)) {
        Some((_, signal)) => {
            receiver.note_signal(signal);
            format!("this receiver takes traces only, not {}", signal.name())
        }
        None => "this receiver knows no method but TraceService/Export".to_owned(),
    }
}

struct Export {
    receiver: Receiver,
    headers: HeaderMap,
}

impl UnaryService<ExportTraceServiceRequest> for Export {
    type Response = ExportTraceServiceResponse;
    type Future = Ready<Result<tonic::Response<Self::Response>, Status>>;

    fn call(&mut self, request: tonic::Request<ExportTraceServiceRequest>) -> Self::Future {
        let received = Received::from_request(request.into_inner(), Protocol::Grpc);
        let response = received.response();
        self.receiver.take(Protocol::Grpc, EXPORT, &self.headers, received);
        ready(Ok(tonic::Response::new(response)))
    }
}
