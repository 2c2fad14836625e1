//! Exporters against servers on the loopback interface.

#[path = "transport/delivery.rs"]
mod delivery;
#[path = "transport/faults.rs"]
mod faults;
#[path = "transport/fork.rs"]
mod fork;
#[path = "transport/lines.rs"]
mod lines;
#[path = "transport/outage.rs"]
mod outage;
#[path = "transport/proxy.rs"]
mod proxy;
#[path = "transport/retry.rs"]
mod retry;
#[path = "transport/server.rs"]
mod server;
#[path = "transport/signals.rs"]
mod signals;
#[path = "transport/spool.rs"]
mod spool;
#[path = "transport/tls.rs"]
mod tls;
#[path = "transport/wrong_port.rs"]
mod wrong_port;

use ferrotel::api::trace::{SpanContext, SpanId, TraceId};
use ferrotel::config::MapEnv;
use ferrotel::sdk::trace::{FinishedSpan, SpanData};
use ferrotel_otlp::{OtlpSpanExporter, Protocol, SpanExporterBuilder};

/// A batch of one span with this name.
fn batch(name: &str) -> Vec<FinishedSpan> {
    let context = SpanContext { trace_id: TraceId(1), span_id: SpanId(2), ..SpanContext::default() };
    vec![FinishedSpan::new(SpanData { name: name.into(), context, ..SpanData::default() })]
}

/// A builder for the server at this port of the loopback interface.
fn to(protocol: Protocol, port: u16) -> SpanExporterBuilder {
    SpanExporterBuilder::new(protocol).endpoint(match protocol {
        Protocol::Grpc => format!("http://127.0.0.1:{port}"),
        _ => format!("http://127.0.0.1:{port}/v1/traces"),
    })
}

/// Builds in an empty environment.
fn build(builder: SpanExporterBuilder) -> OtlpSpanExporter {
    builder.build_with(&MapEnv::default()).unwrap()
}
