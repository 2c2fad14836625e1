"""An exception on a log record becomes the attributes `exception.*` (semantic conventions: exceptions in logs)."""

from __future__ import annotations

import traceback
from typing import Any, Mapping, cast

from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context.context import Context
from opentelemetry.util.types import AnyValue, Attributes

_TYPE = "exception.type"
_MESSAGE = "exception.message"
_STACKTRACE = "exception.stacktrace"


def _get_exception_attributes(exception: BaseException) -> dict[str, AnyValue]:
    kind = type(exception)
    module = kind.__module__
    name = kind.__qualname__ if not module or module == "builtins" else f"{module}.{kind.__qualname__}"
    return {_TYPE: name, _MESSAGE: _text_of(exception), _STACKTRACE: _stack_of(exception)}


def _text_of(exception: BaseException) -> str:
    try:
        return str(exception)
    except Exception:
        return f"<unprintable {type(exception).__name__} object>"


def _stack_of(exception: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(type(exception), exception, exception.__traceback__))
    except Exception:
        # What `traceback` cannot read is the exception's own methods.
        return "".join(traceback.format_tb(exception.__traceback__))


def _get_attributes_with_exception(attributes: Attributes, exception: BaseException | None) -> Attributes:
    """`attributes` with those of the exception, of which those that are there already stay."""
    if exception is None:
        return attributes
    described = _get_exception_attributes(exception)
    if isinstance(attributes, BoundedAttributes):
        merged = BoundedAttributes(attributes.maxlen, attributes, False, attributes.max_value_len)
        merged.dropped = attributes.dropped
        for key, value in described.items():
            if key not in merged:
                merged[key] = value
        return merged
    if attributes:
        described.update(cast("Mapping[Any, Any]", attributes).items())
    return described


def _copy_log_record(record: LogRecord, attributes: Attributes) -> LogRecord:
    copy = LogRecord(
        timestamp=record.timestamp,
        observed_timestamp=record.observed_timestamp,
        context=record.context,
        severity_text=record.severity_text,
        severity_number=record.severity_number,
        body=record.body,
        attributes=attributes,
        event_name=record.event_name,
        exception=getattr(record, "exception", None),
    )
    copy.trace_id = record.trace_id
    copy.span_id = record.span_id
    copy.trace_flags = record.trace_flags
    return copy


def _copy_log_record_with_exception(record: LogRecord) -> LogRecord:
    return _copy_log_record(record, _get_attributes_with_exception(record.attributes, record.exception))


def _set_log_record_exception_attributes(record: LogRecord) -> None:
    record.attributes = _get_attributes_with_exception(record.attributes, record.exception)


def _create_log_record_with_exception(
    *,
    timestamp: int | None = None,
    observed_timestamp: int | None = None,
    context: Context | None = None,
    severity_number: Any = None,
    severity_text: str | None = None,
    body: AnyValue | None = None,
    attributes: Attributes = None,
    event_name: str | None = None,
    exception: BaseException | None = None,
) -> LogRecord:
    return LogRecord(
        timestamp=timestamp,
        observed_timestamp=observed_timestamp,
        context=context,
        severity_number=severity_number,
        severity_text=severity_text,
        body=body,
        attributes=_get_attributes_with_exception(attributes, exception),
        event_name=event_name,
        exception=exception,
    )
