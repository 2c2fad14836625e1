"""Names of the environment variables that the API reads, with their meaning and default."""

OTEL_LOGS_EXPORTER = "OTEL_LOGS_EXPORTER"
"""Exporters of log records, by entry point name in the group `opentelemetry_logs_exporter`, separated by commas; `none`
for no export. Read by `opentelemetry-instrument`, not by a provider that the program builds itself."""

OTEL_METRICS_EXPORTER = "OTEL_METRICS_EXPORTER"
"""Exporters or readers of metrics, by entry point name in the group `opentelemetry_metrics_exporter` (`otlp`,
`console`, `prometheus`, ...), separated by commas; `none` for no export."""

OTEL_TRACES_EXPORTER = "OTEL_TRACES_EXPORTER"
"""Exporters of spans, by entry point name in the group `opentelemetry_traces_exporter` (`otlp`, `console`, ...),
separated by commas; `none` for no export."""

OTEL_PROPAGATORS = "OTEL_PROPAGATORS"
"""Propagators of the global composite, by entry point name in the group `opentelemetry_propagator`, separated by
commas; `none` for no propagation. Default: `tracecontext,baggage`."""

OTEL_PYTHON_CONTEXT = "OTEL_PYTHON_CONTEXT"
"""What keeps the current context, by entry point name in the group `opentelemetry_context`. Default:
`contextvars_context`."""

OTEL_PYTHON_ID_GENERATOR = "OTEL_PYTHON_ID_GENERATOR"
"""Where trace and span ids come from, by entry point name in the group `opentelemetry_id_generator`. Default:
`random`."""

OTEL_PYTHON_TRACER_PROVIDER = "OTEL_PYTHON_TRACER_PROVIDER"
"""The global tracer provider while the program sets none, by entry point name in the group
`opentelemetry_tracer_provider`. Default: a proxy that waits for `opentelemetry.trace.set_tracer_provider`."""

OTEL_PYTHON_METER_PROVIDER = "OTEL_PYTHON_METER_PROVIDER"
"""The global meter provider while the program sets none, by entry point name in the group
`opentelemetry_meter_provider`. Default: a proxy that waits for `opentelemetry.metrics.set_meter_provider`."""

_OTEL_PYTHON_LOGGER_PROVIDER = "OTEL_PYTHON_LOGGER_PROVIDER"
"""The global logger provider while the program sets none, by entry point name in the group
`opentelemetry_logger_provider`. Default: a proxy that waits for `opentelemetry._logs.set_logger_provider`."""
