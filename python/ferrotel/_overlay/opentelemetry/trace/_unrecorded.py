"""Says once that spans go nowhere, to a program that wants them: its environment configures an exporter, or it made a
provider with a processor that nobody uses."""

from __future__ import annotations

import os
from _weakref import ref

from ferrotel._late import TYPE_CHECKING, getLogger
from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.util._once import Once

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

_logger = getLogger("opentelemetry.trace")
_asked = Once()
_unused_provider: ref[TracerProvider] | None = None


def note_unused_provider(provider: TracerProvider | None) -> None:
    """Remembers a provider that has a processor while nobody has asked it for a tracer; None when somebody has."""
    global _unused_provider
    _unused_provider = None if provider is None else ref(provider)


def warn_if_spans_are_wanted() -> None:
    """Logs one warning if a provider lies unused, or else if environment variables configure an exporter of spans.

    Looks at the variables only once.
    """
    waiting = _unused_provider
    if waiting is not None:
        note_unused_provider(None)
        if waiting() is not None:
            # One line is enough.
            _asked.do_once(_nothing)
            _logger.warning(
                "A span was made, and a TracerProvider with a span processor, but it is not the global provider: "
                "spans are not recorded. Call opentelemetry.trace.set_tracer_provider(provider) before."
            )
            return
    # The lock is given back before anything is logged: a log handler may make spans itself.
    if not _asked.do_once(_nothing):
        return
    variable = _exporter_variable()
    if variable is not None:
        _logger.warning(
            "A span was made, %s is set, but no tracer provider: spans are not recorded. "
            "Call opentelemetry.trace.set_tracer_provider(...) before, "
            "or run the program under opentelemetry-instrument.",
            variable,
        )


def _nothing() -> None:
    pass


def _exporter_variable() -> str | None:
    """The name of a variable that asks for an export of spans."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    exporter = os.environ.get(OTEL_TRACES_EXPORTER, "").strip()
    if exporter:
        return None if exporter.lower() == "none" else OTEL_TRACES_EXPORTER
    prefix = "OTEL_EXPORTER_OTLP_"
    other_signals = (prefix + "METRICS_", prefix + "LOGS_")
    return min(
        (name for name in os.environ if name.startswith(prefix) and not name.startswith(other_signals)), default=None
    )
