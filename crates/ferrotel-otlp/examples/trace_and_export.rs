//! Traces with the engine and exports over OTLP, without Python.
//!
//! ```text
//! cargo run -p ferrotel-otlp --example trace_and_export                  # gRPC, http://localhost:4317
//! cargo run -p ferrotel-otlp --example trace_and_export http/protobuf    # http://localhost:4318/v1/traces
//! ```
//!
//! The endpoint, headers and the rest come from `OTEL_EXPORTER_OTLP_*`, the service's name from `OTEL_SERVICE_NAME`.
//! `python -m ferrotel view` shows what arrives.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ferrotel::api::trace::{SpanKind, Status};
use ferrotel::common::Attributes;
use ferrotel::config::ProcessEnv;
use ferrotel::sdk::trace::TracerProvider;
use ferrotel_otlp::{OtlpSpanExporter, Protocol};

fn main() -> Result<(), Box<dyn Error>> {
    let protocol = std::env::args().nth(1).map_or(Ok(Protocol::Grpc), |word| word.parse())?;
    let exporter = OtlpSpanExporter::builder(protocol).build()?;
    println!("exporting over {protocol} to {}", exporter.endpoint());

    let provider =
        TracerProvider::builder().with_environment(&ProcessEnv).with_batch_exporter(Arc::new(exporter)).build();
    let tracer = provider.tracer("trace_and_export");

    tracer.in_span("checkout", |checkout| {
        checkout.set_attribute("cart.items", 3);
        tracer.in_span("reserve stock", |reserve| {
            reserve.add_event("reserved", Attributes::from_iter([("warehouse", "north")]));
        });
        let charge = tracer.span("charge card").with_kind(SpanKind::Client).with_attribute("amount", 59.9).start();
        charge.set_status(Status::Error(Some("card declined".into())));
        charge.end();
    });

    if !provider.shutdown(Duration::from_secs(15)) {
        return Err("not everything was exported; the lines above say why".into());
    }
    Ok(())
}
