//! What a log record holds.

use std::ops::Deref;
use std::sync::Arc;

use crate::api::trace::{SpanId, TraceFlags, TraceId};
use crate::common::{Attributes, Scope, Text, Value};
use crate::resource::Resource;

/// A log record (specification: logs data model).
#[derive(Clone, Debug, Default)]
pub struct LogRecordData {
    /// When the event occurred, in nanoseconds since the Unix epoch; 0 where that is not known.
    pub timestamp: u64,
    /// When it was seen, in nanoseconds since the Unix epoch.
    pub observed_timestamp: u64,
    /// The trace it belongs to; invalid for none.
    pub trace_id: TraceId,
    /// The span it belongs to; invalid for none.
    pub span_id: SpanId,
    /// The flags of that trace.
    pub trace_flags: TraceFlags,
    /// From 1 (`TRACE`) to 24 (`FATAL4`); 0 where it is not given.
    pub severity_number: i32,
    /// The severity in the source's own words; may be empty.
    pub severity_text: Text,
    /// What the record says; [`Value::Empty`] for nothing.
    pub body: Value,
    /// The name that identifies its class of events; may be empty.
    pub event_name: Text,
    /// More about the event, with the count of what did not fit.
    pub attributes: Attributes,
    /// Who is observed.
    pub resource: Arc<Resource>,
    /// Who logged.
    pub scope: Arc<Scope>,
}

/// A log record that no longer changes, shared by the processors that want it.
#[derive(Clone, Debug)]
pub struct FinishedLogRecord(pub(super) Arc<LogRecordData>);

impl FinishedLogRecord {
    /// From here on it stays as it is.
    pub fn new(record: LogRecordData) -> Self {
        FinishedLogRecord(Arc::new(record))
    }
}

impl Deref for FinishedLogRecord {
    type Target = LogRecordData;

    fn deref(&self) -> &LogRecordData {
        &self.0
    }
}
