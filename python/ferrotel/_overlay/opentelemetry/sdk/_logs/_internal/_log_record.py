"""Log records as processors and exporters see them."""

from __future__ import annotations

import base64
import json
import warnings
from dataclasses import dataclass, field
from typing import Any

from ferrotel._compat import deprecated
from opentelemetry._logs import LogRecord
from opentelemetry.attributes import BoundedAttributes, _clean_attribute_value
from opentelemetry.sdk._logs._internal._log_record_limits import LogRecordLimits
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util import ns_to_iso_str
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import format_span_id, format_trace_id


class BytesEncoder(json.JSONEncoder):
    """Writes bytes in base64."""

    def default(self, o: Any) -> Any:
        if isinstance(o, bytes):
            return base64.b64encode(o).decode()
        return super().default(o)


class LogRecordDroppedAttributesWarning(UserWarning):
    """Attributes did not fit into a log record. Shown once."""


warnings.simplefilter("once", LogRecordDroppedAttributesWarning)


@deprecated(
    "Use LogRecordDroppedAttributesWarning. Since logs are not stable yet this WILL be removed in future releases."
)
class LogDroppedAttributesWarning(LogRecordDroppedAttributesWarning):
    """The older name of `LogRecordDroppedAttributesWarning`."""


def _warn_of_dropped_attributes() -> None:
    warnings.warn(
        "Log record attributes were dropped due to limits",
        LogRecordDroppedAttributesWarning,
        stacklevel=3,
    )


def _dropped_of(record: LogRecord) -> int:
    attributes = record.attributes
    return attributes.dropped if isinstance(attributes, BoundedAttributes) else 0


@dataclass(frozen=True)
class ReadableLogRecord:
    """What exporters get: the record, who logged it, and who is observed."""

    log_record: LogRecord
    resource: Resource
    instrumentation_scope: InstrumentationScope | None = None
    limits: LogRecordLimits | None = None

    @property
    def dropped_attributes(self) -> int:
        """How many attributes did not fit."""
        return _dropped_of(self.log_record)

    def to_json(self, indent: int | None = 4) -> str:
        """The record as JSON; what JSON has no form for becomes its text."""
        record = self.log_record
        fields: dict[str, Any] = {
            "body": record.body,
            "severity_number": None if record.severity_number is None else record.severity_number.value,
            "severity_text": record.severity_text,
            "attributes": dict(record.attributes) if record.attributes else None,
            "dropped_attributes": self.dropped_attributes,
            "timestamp": None if record.timestamp is None else ns_to_iso_str(record.timestamp),
            "observed_timestamp": ns_to_iso_str(record.observed_timestamp),
            "trace_id": "" if record.trace_id is None else f"0x{format_trace_id(record.trace_id)}",
            "span_id": "" if record.span_id is None else f"0x{format_span_id(record.span_id)}",
            "trace_flags": record.trace_flags,
            "resource": json.loads(self.resource.to_json()),
            "event_name": record.event_name or "",
        }
        try:
            return json.dumps(fields, indent=indent, cls=BytesEncoder)
        except (TypeError, ValueError, RecursionError):
            # A body may be anything, itself included.
            for name in ("body", "attributes"):
                fields[name] = _clean_attribute_value(fields[name], None)
            return json.dumps(fields, indent=indent, cls=BytesEncoder)


@dataclass
class ReadWriteLogRecord:
    """What processors get, and may change: those after them, and the exporters, see the change."""

    log_record: LogRecord
    resource: Resource | None = Resource.create({})
    instrumentation_scope: InstrumentationScope | None = None
    limits: LogRecordLimits = field(default_factory=LogRecordLimits)

    def __post_init__(self) -> None:
        record = self.log_record
        record.attributes = BoundedAttributes(
            maxlen=self.limits.max_log_record_attributes,
            attributes=record.attributes if record.attributes else None,
            immutable=False,
            max_value_len=self.limits.max_log_record_attribute_length,
            extended_attributes=True,
        )
        if self.dropped_attributes > 0:
            _warn_of_dropped_attributes()

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, ReadWriteLogRecord) else NotImplemented

    @property
    def dropped_attributes(self) -> int:
        """How many attributes did not fit."""
        return _dropped_of(self.log_record)

    @classmethod
    def _from_api_log_record(
        cls,
        *,
        record: LogRecord,
        resource: Resource,
        instrumentation_scope: InstrumentationScope | None = None,
        limits: LogRecordLimits | None = None,
    ) -> ReadWriteLogRecord:
        if limits is None:
            return cls(record, resource, instrumentation_scope)
        return cls(record, resource, instrumentation_scope, limits)
