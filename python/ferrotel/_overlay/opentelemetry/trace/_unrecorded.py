"""Says once that spans go nowhere, to a program whose environment shows that somebody wants them."""

from __future__ import annotations

import os
from logging import getLogger

from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.util._once import Once

_logger = getLogger("opentelemetry.trace")
_asked = Once()


def warn_if_spans_are_wanted() -> None:
    """Logs one warning if an exporter of spans is configured by environment variables. Looks at them only once."""
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
