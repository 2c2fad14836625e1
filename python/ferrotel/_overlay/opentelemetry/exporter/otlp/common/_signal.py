"""What differs between the signals."""

from __future__ import annotations

from typing import NamedTuple

from opentelemetry.sdk import environment_variables as env


class Variables(NamedTuple):
    """The environment variables of one signal."""

    endpoint: str
    headers: str
    timeout: str
    compression: str
    certificate: str
    client_key: str
    client_certificate: str
    insecure: str
    grpc_credential_provider: str


class Signal(NamedTuple):
    """One signal's names."""

    # In the gRPC exporter's log lines, and in the exporter's metrics about itself.
    name: str
    # In the HTTP exporters' log lines.
    items: str
    # In front of `batch` in log lines.
    batch: str
    # What is added to a base URL.
    path: str
    variables: Variables


TRACES = Signal(
    "traces",
    "spans",
    "span",
    "v1/traces",
    Variables(
        env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
        env.OTEL_EXPORTER_OTLP_TRACES_HEADERS,
        env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
        env.OTEL_EXPORTER_OTLP_TRACES_COMPRESSION,
        env.OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE,
        env.OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY,
        env.OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE,
        env.OTEL_EXPORTER_OTLP_TRACES_INSECURE,
        env._OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER,
    ),
)
METRICS = Signal(
    "metrics",
    "metrics",
    "metrics",
    "v1/metrics",
    Variables(
        env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
        env.OTEL_EXPORTER_OTLP_METRICS_HEADERS,
        env.OTEL_EXPORTER_OTLP_METRICS_TIMEOUT,
        env.OTEL_EXPORTER_OTLP_METRICS_COMPRESSION,
        env.OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE,
        env.OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY,
        env.OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE,
        env.OTEL_EXPORTER_OTLP_METRICS_INSECURE,
        env._OTEL_PYTHON_EXPORTER_OTLP_GRPC_METRICS_CREDENTIAL_PROVIDER,
    ),
)
LOGS = Signal(
    "logs",
    "logs",
    "logs",
    "v1/logs",
    Variables(
        env.OTEL_EXPORTER_OTLP_LOGS_ENDPOINT,
        env.OTEL_EXPORTER_OTLP_LOGS_HEADERS,
        env.OTEL_EXPORTER_OTLP_LOGS_TIMEOUT,
        env.OTEL_EXPORTER_OTLP_LOGS_COMPRESSION,
        env.OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE,
        env.OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY,
        env.OTEL_EXPORTER_OTLP_LOGS_CLIENT_CERTIFICATE,
        env.OTEL_EXPORTER_OTLP_LOGS_INSECURE,
        env._OTEL_PYTHON_EXPORTER_OTLP_GRPC_LOGS_CREDENTIAL_PROVIDER,
    ),
)
