"""What the SDK counts about its own log records (semantic conventions: OpenTelemetry SDK metrics), when it is asked to.

`OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED` asks for it.
"""

from __future__ import annotations

from typing import Protocol

from opentelemetry import metrics as metrics_api


class LoggerMetricsT(Protocol):
    """Told of every log record that is emitted."""

    def emit_log(self) -> None: ...


class NoOpLoggerMetrics:
    """Counts nothing."""

    # The logger does not call what says so.
    _no_operation = True

    def emit_log(self) -> None:
        pass


class LoggerMetrics:
    """Counts the log records."""

    def __init__(self, meter_provider: metrics_api.MeterProvider) -> None:
        self._created_logs = meter_provider.get_meter("opentelemetry-sdk").create_counter(
            name="otel.sdk.log.created",
            description="The number of logs submitted to enabled SDK Loggers.",
            unit="{log_record}",
        )

    def emit_log(self) -> None:
        self._created_logs.add(1)


def create_logger_metrics(meter_provider: metrics_api.MeterProvider, enabled: bool) -> LoggerMetricsT:
    return LoggerMetrics(meter_provider) if enabled else NoOpLoggerMetrics()
