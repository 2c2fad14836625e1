"""What the HTTP exporters' arguments leave open, from the environment.

The signal's own variable answers first, then the general one.
"""

from __future__ import annotations

import logging
from os import environ
from typing import Any, Mapping, NamedTuple

from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_COMPRESSION,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_TIMEOUT,
)
from opentelemetry.util.re import parse_env_headers

DEFAULT_ENDPOINT = "http://localhost:4318"
DEFAULT_TIMEOUT = 10

_logger = logging.getLogger(__name__)


def first_set(*names: str, default: Any = None) -> Any:
    """The first of these variables that is set to something."""
    return next((value for value in map(environ.get, names) if value), default)


def resolve_endpoint(endpoint_env_var: str, default_path: str) -> str:
    """The signal's variable as it is, else the general one with the signal's path behind it."""
    own: str | None = first_set(endpoint_env_var)
    if own:
        return own
    base: str = first_set(OTEL_EXPORTER_OTLP_ENDPOINT, default=DEFAULT_ENDPOINT)
    return (base[:-1] if base.endswith("/") else base) + "/" + default_path


def resolve_headers(
    headers: Mapping[str, str] | None, headers_env_var: str, own_headers: Mapping[str, str]
) -> dict[str, str]:
    """The exporter's own headers, over them the environment's, over them the argument's; names in lower case."""
    text = first_set(headers_env_var, OTEL_EXPORTER_OTLP_HEADERS, default="")
    found = {name.lower(): value for name, value in own_headers.items()}
    found.update(parse_env_headers(text, liberal=True))
    found.update((name.lower(), value) for name, value in (headers or {}).items())
    return found


def resolve_timeout(timeout_env_var: str, logger: logging.Logger = _logger) -> float:
    """Seconds."""
    text = first_set(timeout_env_var, OTEL_EXPORTER_OTLP_TIMEOUT, default=DEFAULT_TIMEOUT)
    try:
        return float(text)
    except ValueError:
        logger.warning("Invalid timeout value %r, using default of %s seconds", text, DEFAULT_TIMEOUT)
        return float(DEFAULT_TIMEOUT)


def resolve_compression(compression_env_var: str, logger: logging.Logger = _logger) -> Compression:
    """The compression that the environment asks for; none where it asks for an unknown one."""
    text: str = first_set(compression_env_var, OTEL_EXPORTER_OTLP_COMPRESSION, default="none")
    try:
        return Compression.from_str(text)
    except ValueError:
        logger.warning("Unsupported compression type: %s", text.lower().strip())
        return Compression.NONE


class TlsFiles(NamedTuple):
    """Paths of PEM files; `certificate` is True for the system's roots."""

    certificate: str | bool
    client_key: str | None
    client_certificate: str | None

    @property
    def client_pair(self) -> Any:
        """The client's certificate the way `requests` takes it."""
        pair = (self.client_certificate, self.client_key)
        return pair if all(pair) else self.client_certificate


def resolve_tls(
    certificate_file: str | None,
    client_key_file: str | None,
    client_certificate_file: str | None,
    certificate_env_var: str,
    client_key_env_var: str,
    client_certificate_env_var: str,
) -> TlsFiles:
    """The three files."""
    return TlsFiles(
        certificate_file or first_set(certificate_env_var, OTEL_EXPORTER_OTLP_CERTIFICATE, default=True),
        client_key_file or first_set(client_key_env_var, OTEL_EXPORTER_OTLP_CLIENT_KEY),
        client_certificate_file or first_set(client_certificate_env_var, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE),
    )
