"""What the HTTP exporters in protobuf share: their configuration, and sessions from credential providers."""

from __future__ import annotations

import logging
from os import environ
from typing import TYPE_CHECKING, Any, Mapping

from opentelemetry.exporter.http.transport._requests import RequestsHTTPTransport
from opentelemetry.exporter.otlp.common import _http_environment
from opentelemetry.exporter.otlp.common._http_environment import DEFAULT_ENDPOINT as _DEFAULT_ENDPOINT  # noqa: F401
from opentelemetry.exporter.otlp.common._http_environment import DEFAULT_TIMEOUT as _DEFAULT_TIMEOUT  # noqa: F401
from opentelemetry.exporter.otlp.common._http_exporter import (  # noqa: F401
    _DEFAULT_MAX_REQUEST_SIZE,
    RequestPayloadTooLargeError,
)
from opentelemetry.exporter.otlp.common.http import Compression as _Compression
from opentelemetry.exporter.otlp.proto.http import _OTLP_HTTP_HEADERS
from opentelemetry.sdk.environment_variables import _OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER
from opentelemetry.util._importlib_metadata import entry_points

if TYPE_CHECKING:
    import requests

    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport

_PROVIDERS = "opentelemetry_otlp_credential_provider"
_logger = logging.getLogger(__name__)

_resolve_endpoint = _http_environment.resolve_endpoint


def _resolve_headers(headers: Mapping[str, str] | None, headers_env_var: str) -> dict[str, str]:
    return _http_environment.resolve_headers(headers, headers_env_var, _OTLP_HTTP_HEADERS)


def _resolve_timeout(timeout_env_var: str) -> float:
    return _http_environment.resolve_timeout(timeout_env_var, _logger)


def _resolve_compression(compression_env_var: str) -> _Compression:
    return _http_environment.resolve_compression(compression_env_var, _logger)


def _normalize_compression(compression: Any) -> _Compression | None:
    """The member with the same value: callers have one of two enumerations."""
    return None if compression is None else _Compression(getattr(compression, "value", compression))


def _is_request_too_large(serialized_data: bytes, max_request_size: int) -> bool:
    return 0 < max_request_size < len(serialized_data)


def _build_transport(
    certificate_file: str | None,
    client_key_file: str | None,
    client_certificate_file: str | None,
    certificate_env_var: str,
    client_key_env_var: str,
    client_certificate_env_var: str,
    session: requests.Session | None,
) -> BaseHTTPTransport:
    tls = _http_environment.resolve_tls(
        certificate_file,
        client_key_file,
        client_certificate_file,
        certificate_env_var,
        client_key_env_var,
        client_certificate_env_var,
    )
    return RequestsHTTPTransport(verify=tls.certificate, cert=tls.client_pair, session=session)


def _load_session_from_envvar(cred_envvar: str) -> requests.Session | None:
    """The session of the credential provider that the environment names, if it names one."""
    name = environ.get(_OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER) or environ.get(cred_envvar)
    if not name:
        return None
    try:
        import requests
    except ImportError as error:
        raise ImportError(
            f"The 'requests' package makes the session of the credential provider {name!r}, and is not installed: "
            "`pip install requests`."
        ) from error
    found = next(iter(entry_points(group=_PROVIDERS, name=name)), None)
    if found is None:
        raise RuntimeError(f"Requested component '{name}' not found in entry point '{_PROVIDERS}'")
    session = found.load()()
    if not isinstance(session, requests.Session):
        raise RuntimeError(
            f"Requested component '{name}' is of type {type(session)} must be of type `requests.Session`."
        )
    return session
