//! Trace API: ids, span context, trace state, kind and status.

mod ids;
mod kind;
mod span_context;
mod status;
mod trace_state;

pub use ids::{SpanId, TraceFlags, TraceId};
pub use kind::SpanKind;
pub use span_context::SpanContext;
pub use status::Status;
pub use trace_state::{TraceState, TraceStateError};
