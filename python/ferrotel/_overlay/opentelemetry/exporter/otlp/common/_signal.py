"""What differs between the signals."""

from __future__ import annotations

from opentelemetry.sdk import environment_variables as env


class Variables:
    """The environment variables of one signal."""

    def __init__(
        self,
        endpoint: str,
        headers: str,
        timeout: str,
        compression: str,
        certificate: str,
        client_key: str,
        client_certificate: str,
        insecure: str,
        grpc_credential_provider: str,
    ) -> None:
        self.endpoint = endpoint
        self.headers = headers
        self.timeout = timeout
        self.compression = compression
        self.certificate = certificate
        self.client_key = client_key
        self.client_certificate = client_certificate
        self.insecure = insecure
        self.grpc_credential_provider = grpc_credential_provider


class Signal:
    """One signal's names: in the gRPC exporter's log lines and in the exporter's metrics about itself; in the HTTP
    exporters' log lines; in front of `batch` in log lines; what is added to a base URL."""

    def __init__(self, name: str, items: str, batch: str, path: str, variables: Variables) -> None:
        self.name = name
        self.items = items
        self.batch = batch
        self.path = path
        self.variables = variables


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
