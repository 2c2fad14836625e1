//! What a log record holds.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

use crate::api::trace::{SpanId, TraceFlags, TraceId};
use crate::common::{Attributes, Scope, Text, Value};
use crate::resource::Resource;
use crate::sdk::batch::pool::{self, Mine, Pooled, Shared};

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

impl LogRecordData {
    /// Forgets everything but resource and scope, and keeps the memory of the attributes.
    pub fn clear(&mut self) {
        self.timestamp = 0;
        self.observed_timestamp = 0;
        self.trace_id = TraceId::default();
        self.span_id = SpanId::default();
        self.trace_flags = TraceFlags::default();
        self.severity_number = 0;
        self.severity_text = Text::default();
        self.body = Value::Empty;
        self.event_name = Text::default();
        self.attributes.clear();
    }
}

thread_local! {
    static MINE: Mine<LogRecordData> = const { RefCell::new(Vec::new()) };
}

impl Pooled for LogRecordData {
    fn shared() -> &'static Shared<Self> {
        static POOL: Shared<LogRecordData> = Mutex::new(Vec::new());
        &POOL
    }

    #[inline]
    fn with_mine<R>(work: impl FnOnce(&Mine<Self>) -> R) -> Option<R> {
        MINE.try_with(work).ok()
    }

    #[inline]
    fn clear(&mut self) {
        LogRecordData::clear(self);
    }
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

    #[inline]
    fn deref(&self) -> &LogRecordData {
        &self.0
    }
}

impl FinishedLogRecord {
    /// Gives back the memory of records that nobody else has.
    pub(super) fn recycle(records: impl Iterator<Item = Self>) {
        pool::recycle(records.map(|record| record.0));
    }

    /// Gives back the memory of one record, if nobody else has it.
    pub(super) fn release(self) {
        pool::release(self.0);
    }
}
