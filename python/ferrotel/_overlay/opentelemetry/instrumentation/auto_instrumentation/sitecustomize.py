"""Python imports `sitecustomize` when it starts: `opentelemetry-instrument` puts this one's folder on PYTHONPATH."""

from opentelemetry.instrumentation.auto_instrumentation import initialize

initialize()
