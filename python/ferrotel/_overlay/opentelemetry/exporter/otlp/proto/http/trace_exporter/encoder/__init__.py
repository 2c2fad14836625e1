"""Names that programs imported from here before the encoder moved to `opentelemetry.exporter.otlp.proto.common`."""

from opentelemetry.sdk.trace import Event as Event
from opentelemetry.sdk.trace import Resource as Resource
from opentelemetry.sdk.trace import Span as SDKSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope as InstrumentationScope
from opentelemetry.trace import Link as Link
from opentelemetry.trace import SpanKind as SpanKind
from opentelemetry.trace.span import SpanContext as SpanContext
from opentelemetry.trace.span import Status as Status
from opentelemetry.trace.span import TraceState as TraceState
from opentelemetry.util.types import Attributes as Attributes

__all__ = [
    "Attributes",
    "Event",
    "InstrumentationScope",
    "Link",
    "Resource",
    "SDKSpan",
    "SpanContext",
    "SpanKind",
    "Status",
    "TraceState",
]
