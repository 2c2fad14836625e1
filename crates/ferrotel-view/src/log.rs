//! One received log record with where it came from, and the step from a request's messages to such records.

use std::sync::Arc;

use crate::decode::Received;
use crate::origin::{Origin, Producer, Protocol, SpanId, TraceId, any_weight, pairs_weight};
use crate::proto;

/// A log record as it was received.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedLog {
    /// The trace during which it was written.
    ///
    /// An identifier of another length, or of zeroes only, is taken for none (OTLP specification, `LogRecord`).
    pub trace_id: Option<TraceId>,
    /// The span during which it was written.
    pub span_id: Option<SpanId>,
    /// All else, as sent. Shared, so that a copy of a large trace is cheap.
    pub record: Arc<proto::LogRecord>,
    /// Resource, scope and protocol.
    pub origin: Arc<Origin>,
}

/// The sampled bit of a record's flags.
const SAMPLED: u32 = 1;

impl ReceivedLog {
    /// The records of a request; none is refused.
    pub(crate) fn all_of(request: proto::ExportLogsServiceRequest, protocol: Protocol) -> Received<Self> {
        let mut received = Received::default();
        for of_resource in request.resource_logs {
            let items = of_resource.scope_logs.iter().map(|of_scope| of_scope.log_records.len()).sum();
            let producer = Producer::new(of_resource.resource, of_resource.schema_url, items);
            for of_scope in of_resource.scope_logs {
                let items = of_scope.log_records.len();
                let origin = Origin::new(&producer, of_scope.scope, of_scope.schema_url, protocol, items);
                for record in of_scope.log_records {
                    received.push(Ok(Self::new(record, &origin)));
                }
            }
        }
        received
    }

    fn new(record: proto::LogRecord, origin: &Arc<Origin>) -> Self {
        Self {
            trace_id: identifier(&record.trace_id),
            span_id: identifier(&record.span_id),
            record: Arc::new(record),
            origin: Arc::clone(origin),
        }
    }

    /// When it was written, or, unknown, when it was seen; Unix nanoseconds, 0 if neither was sent.
    pub fn time(&self) -> u64 {
        match self.record.time_unix_nano {
            0 => self.record.observed_time_unix_nano,
            time => time,
        }
    }

    /// Can its trace be expected? Of one that is not sampled no span ever comes.
    pub(crate) fn awaits_trace(&self) -> bool {
        self.trace_id.is_some() && self.record.flags & SAMPLED != 0
    }

    /// About how many bytes it holds in memory, for the store's bound.
    pub(crate) fn weight(&self) -> usize {
        let record = &self.record;
        400 + record.severity_text.len()
            + record.event_name.len()
            + record.body.as_ref().map_or(0, any_weight)
            + pairs_weight(&record.attributes)
            + self.origin.share()
    }
}

fn identifier<const N: usize>(bytes: &[u8]) -> Option<[u8; N]> {
    bytes.try_into().ok().filter(|id| *id != [0; N])
}
