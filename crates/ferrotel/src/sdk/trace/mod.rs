//! Trace SDK.

mod batch_span_processor;
mod id_generator;
mod provider;
mod sampler;
mod simple_span_processor;
mod span;
mod span_cell;
mod span_data;
mod span_exporter;
mod span_limits;
mod span_processor;
mod tracer;

pub use batch_span_processor::BatchSpanProcessor;
pub use id_generator::{IdGenerator, RandomIdGenerator};
pub use provider::{TracerProvider, TracerProviderBuilder};
pub use sampler::{
    AlwaysOff, AlwaysOn, AlwaysRecord, BuiltinSampler, Decision, InvalidRate, ParentBased, Sampler, SamplingParameters,
    SamplingResult, TraceIdRatioBased,
};
pub use simple_span_processor::SimpleSpanProcessor;
pub use span::Span;
pub use span_cell::{FinishedSpan, SpanCell};
pub use span_data::{Bounded, Event, Link, SpanData};
pub use span_exporter::SpanExporter;
pub use span_limits::SpanLimits;
pub use span_processor::SpanProcessor;
pub use tracer::{SpanBuilder, Tracer};
