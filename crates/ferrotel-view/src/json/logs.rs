//! A request of log records.

use serde_json::Value as Json;

use super::{Object, any_value, hexadecimal, key_value, list, message, number, request, resource, scope, text};
use crate::proto::{ExportLogsServiceRequest, LogRecord, ResourceLogs, ScopeLogs};

pub(crate) fn export_logs(document: &Json) -> Result<ExportLogsServiceRequest, String> {
    Ok(ExportLogsServiceRequest { resource_logs: request(document, "resourceLogs", resource_logs)? })
}

fn resource_logs(object: &Object) -> Result<ResourceLogs, String> {
    Ok(ResourceLogs {
        resource: resource(object)?,
        scope_logs: list(object, "scopeLogs", scope_logs)?,
        schema_url: text(object, "schemaUrl")?,
    })
}

fn scope_logs(object: &Object) -> Result<ScopeLogs, String> {
    Ok(ScopeLogs {
        scope: scope(object)?,
        log_records: list(object, "logRecords", log_record)?,
        schema_url: text(object, "schemaUrl")?,
    })
}

fn log_record(object: &Object) -> Result<LogRecord, String> {
    Ok(LogRecord {
        time_unix_nano: number(object, "timeUnixNano")?,
        severity_number: number(object, "severityNumber")?,
        severity_text: text(object, "severityText")?,
        body: message(object, "body", any_value)?,
        attributes: list(object, "attributes", key_value)?,
        dropped_attributes_count: number(object, "droppedAttributesCount")?,
        flags: number(object, "flags")?,
        trace_id: hexadecimal(object, "traceId")?,
        span_id: hexadecimal(object, "spanId")?,
        observed_time_unix_nano: number(object, "observedTimeUnixNano")?,
        event_name: text(object, "eventName")?,
    })
}
