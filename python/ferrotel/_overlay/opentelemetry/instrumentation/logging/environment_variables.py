"""Names of the environment variables that steer the instrumentation of `logging`."""

from __future__ import annotations

OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION = "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION"
"""Whether to add the handler that makes log records. Default: true."""

OTEL_PYTHON_LOG_CODE_ATTRIBUTES = "OTEL_PYTHON_LOG_CODE_ATTRIBUTES"
"""Whether log records say which line logged. Default: false."""

OTEL_PYTHON_LOG_CORRELATION = "OTEL_PYTHON_LOG_CORRELATION"
"""Whether to put trace ids into `logging`'s records, and to configure a format that shows them. Default: false."""

OTEL_PYTHON_LOG_FORMAT = "OTEL_PYTHON_LOG_FORMAT"
"""That format. Default: `DEFAULT_LOGGING_FORMAT`."""

OTEL_PYTHON_LOG_HANDLER_LEVEL = "OTEL_PYTHON_LOG_HANDLER_LEVEL"
"""The least severe level that becomes a log record. Default: notset."""

OTEL_PYTHON_LOG_LEVEL = "OTEL_PYTHON_LOG_LEVEL"
"""The level of the root logger that goes with the format: debug, info, warning or error. Default: info."""
