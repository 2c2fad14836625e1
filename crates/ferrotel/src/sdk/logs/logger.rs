//! The logger.

use std::sync::Arc;

use super::provider::Pipeline;
use super::{EnabledParameters, LogRecordData, ReadWriteLogRecord, SeverityNumber};
use crate::common::clock::now_unix_nanos;
use crate::common::{Scope, Text, Value};
use crate::context::Context;
use crate::sdk::trace::Span;

/// Emits log records (specification: logs API, `Logger`). Cheap to clone.
///
/// ```
/// use ferrotel::sdk::logs::{LoggerProvider, SeverityNumber};
///
/// let logger = LoggerProvider::builder().build().logger("example");
/// if logger.enabled(SeverityNumber::DEBUG, "") {
///     logger.record().with_severity(SeverityNumber::DEBUG).with_body("dear to make").emit();
/// }
/// ```
#[derive(Clone)]
pub struct Logger {
    pub(super) scope: Arc<Scope>,
    pub(super) pipeline: Arc<Pipeline>,
}

impl Logger {
    /// A record that has yet to be described before it is emitted.
    pub fn record(&self) -> LogRecordBuilder<'_> {
        let data = LogRecordData {
            scope: self.scope.clone(),
            resource: self.pipeline.resource.clone(),
            ..LogRecordData::default()
        };
        LogRecordBuilder { logger: self, context: None, data }
    }

    /// Whether such a record would go anywhere now; `event_name` is empty for none.
    pub fn enabled(&self, severity_number: SeverityNumber, event_name: &str) -> bool {
        let context = Context::current();
        let parameters = EnabledParameters { context: &context, scope: &self.scope, severity_number, event_name };
        self.pipeline.processors.iter().any(|processor| processor.enabled(&parameters))
    }
}

/// Describes a log record before it is emitted.
#[must_use = "nothing is logged before emit() is called"]
pub struct LogRecordBuilder<'a> {
    logger: &'a Logger,
    context: Option<Context>,
    data: LogRecordData,
}

impl LogRecordBuilder<'_> {
    /// What the record says.
    pub fn with_body(mut self, body: impl Into<Value>) -> Self {
        self.data.body = body.into();
        self
    }

    /// How severe it is.
    pub fn with_severity(mut self, severity: SeverityNumber) -> Self {
        self.data.severity_number = severity.0;
        self
    }

    /// The severity in the source's own words.
    pub fn with_severity_text(mut self, text: impl Into<Text>) -> Self {
        self.data.severity_text = text.into();
        self
    }

    /// The name that identifies its class of events.
    pub fn with_event_name(mut self, name: impl Into<Text>) -> Self {
        self.data.event_name = name.into();
        self
    }

    /// One more attribute, within the limits; an empty key is dropped and counted.
    pub fn with_attribute(mut self, key: impl Into<Text>, value: impl Into<Value>) -> Self {
        let (key, mut value) = (key.into(), value.into());
        if key.is_empty() {
            self.data.attributes.add_dropped(1);
            return self;
        }
        let limits = &self.logger.pipeline.limits;
        value.truncate(limits.max_attribute_length);
        self.data.attributes.set(key, value, limits.max_attributes);
        self
    }

    /// When it happened, in nanoseconds since the Unix epoch; default: not known.
    pub fn with_timestamp(mut self, time: u64) -> Self {
        self.data.timestamp = time;
        self
    }

    /// When it was seen, in nanoseconds since the Unix epoch; default: now.
    pub fn with_observed_timestamp(mut self, time: u64) -> Self {
        self.data.observed_timestamp = time;
        self
    }

    /// The context whose span it belongs to; default: the current one.
    pub fn with_context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Emits the record.
    pub fn emit(self) {
        let LogRecordBuilder { logger, context, mut data } = self;
        if data.observed_timestamp == 0 {
            data.observed_timestamp = now_unix_nanos();
        }
        let context = context.unwrap_or_else(Context::current);
        if let Some(span) = context.span_slot::<Span>().map(Span::span_context).filter(|span| span.is_valid()) {
            (data.trace_id, data.span_id, data.trace_flags) = (span.trace_id, span.span_id, span.trace_flags);
        }
        let mut record = ReadWriteLogRecord::new(data);
        for processor in &logger.pipeline.processors {
            processor.on_emit(&mut record);
        }
    }
}
