"""What instrumentations of HTTP have in common: excluded URLs, captured headers, and what must not be told."""

from __future__ import annotations

import re
from os import environ
from re import IGNORECASE as RE_IGNORECASE
from typing import Any, Callable, Iterable, Mapping, overload
from urllib.parse import parse_qs, urlencode, urlparse

from opentelemetry.instrumentation._semantic_conventions import (
    HTTP_FLAVOR,
    HTTP_HOST,
    HTTP_METHOD,
    HTTP_SCHEME,
    HTTP_SERVER_NAME,
    HTTP_STATUS_CODE,
    NET_HOST_NAME,
    NET_HOST_PORT,
)
from opentelemetry.util.http.constants import BOT_PATTERNS, TEST_PATTERNS

OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS"
OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST"
OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_RESPONSE"
OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST"
OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE"
OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS = "OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS"

# The attributes of metrics, in the old generation of semantic conventions.
_active_requests_count_attrs = {HTTP_METHOD, HTTP_HOST, HTTP_SCHEME, HTTP_FLAVOR, HTTP_SERVER_NAME}
_duration_attrs = {*_active_requests_count_attrs, HTTP_STATUS_CODE, NET_HOST_NAME, NET_HOST_PORT}

PARAMS_TO_REDACT = ["AWSAccessKeyId", "Signature", "sig", "X-Goog-Signature"]
"""Parameters of queries that sign or authorise, whose values are not told."""

_REDACTED = "REDACTED"
# RFC 9110 section 9, RFC 5789, and the registered QUERY.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})


class ExcludeList:
    """URLs that get no telemetry: those in which one of these regular expressions is found."""

    def __init__(self, excluded_urls: Iterable[str]) -> None:
        self._excluded_urls = excluded_urls
        if self._excluded_urls:
            self._regex = re.compile("|".join(excluded_urls))

    def url_disabled(self, url: str) -> bool:
        """Is this URL one of them?"""
        return bool(self._excluded_urls and self._regex.search(url))


class SanitizeValue:
    """Headers whose values are not told: those in whose name one of these regular expressions is found, in any case."""

    def __init__(self, sanitized_fields: Iterable[str]) -> None:
        self._sanitized_fields = sanitized_fields
        if self._sanitized_fields:
            self._regex = re.compile("|".join(sanitized_fields), RE_IGNORECASE)

    def sanitize_header_value(self, header: str, value: str) -> str:
        """The value, or `[REDACTED]`."""
        return f"[{_REDACTED}]" if self._sanitized_fields and self._regex.search(header) else value

    def sanitize_header_values(
        self,
        headers: Mapping[str, str | list[str]],
        header_regexes: list[str],
        normalize_function: Callable[[str], str],
    ) -> dict[str, list[str]]:
        """The values of the headers whose whole name fits a regular expression, by the name that `normalize_function`
        makes."""
        values: dict[str, list[str]] = {}
        if not header_regexes:
            return values
        wanted = re.compile("|".join(header_regexes), RE_IGNORECASE)
        for name, value in headers.items():
            if wanted.fullmatch(name):
                each = [value] if isinstance(value, str) else value
                values[normalize_function(name.lower())] = [self.sanitize_header_value(name, one) for one in each]
        return values


def get_traced_request_attrs(instrumentation: str) -> list[str]:
    """The attributes of a framework's request that OTEL_PYTHON_<instrumentation>_TRACED_REQUEST_ATTRS wants on
    spans."""
    return _listed(environ.get(f"OTEL_PYTHON_{instrumentation}_TRACED_REQUEST_ATTRS"))


def get_excluded_urls(instrumentation: str) -> ExcludeList:
    """What OTEL_PYTHON_<instrumentation>_EXCLUDED_URLS says, or else OTEL_PYTHON_EXCLUDED_URLS."""
    for_all = environ.get("OTEL_PYTHON_EXCLUDED_URLS", "")
    return parse_excluded_urls(environ.get(f"OTEL_PYTHON_{instrumentation}_EXCLUDED_URLS", for_all))


def parse_excluded_urls(excluded_urls: str) -> ExcludeList:
    """Reads regular expressions with commas between them."""
    return ExcludeList(_listed(excluded_urls))


def get_custom_headers(env_var: str) -> list[str]:
    """The regular expressions for headers that a variable holds, with commas between them."""
    return _listed(environ.get(env_var))


def _listed(text: str | None) -> list[str]:
    return [part.strip() for part in text.split(",")] if text else []


def get_custom_header_attributes(
    headers: Mapping[str, str | list[str]] | None,
    captured_headers: list[str] | None,
    sensitive_headers: list[str] | None,
    normalize_function: Callable[[str], str],
) -> dict[str, list[str]]:
    """The attributes for headers of a request or response.

    `captured_headers` are regular expressions for the names of those that are wanted, `sensitive_headers` for those
    whose values are redacted, and `normalize_function` makes a name an attribute's.
    """
    if not headers or not captured_headers:
        return {}
    return SanitizeValue(sensitive_headers or ()).sanitize_header_values(headers, captured_headers, normalize_function)


def normalise_request_header_name(header: str) -> str:
    """The attribute for a header of requests: `User-Agent` is `http.request.header.user_agent`."""
    return f"http.request.header.{header.lower().replace('-', '_')}"


def normalise_response_header_name(header: str) -> str:
    """The attribute for a header of responses."""
    return f"http.response.header.{header.lower().replace('-', '_')}"


@overload
def sanitize_method(method: str) -> str: ...


@overload
def sanitize_method(method: None) -> None: ...


def sanitize_method(method: str | None) -> str | None:
    """A method in upper case, or `_OTHER` for one that is not known, so that clients cannot make up ever new ones.

    With OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS in the environment, all are known.
    """
    if method is None:
        return None
    method = method.upper()
    if method in _METHODS or environ.get(OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS):
        return method
    return "_OTHER"


def remove_url_credentials(url: str) -> str:
    """A URL with `REDACTED` for its user and password. What is no URL is returned as it is."""
    if "@" not in url:
        return url
    try:
        parsed = urlparse(url)
    except ValueError:
        return url
    if not parsed.scheme or "@" not in parsed.netloc:
        return url
    host = parsed.netloc.rpartition("@")[2]
    return parsed._replace(netloc=f"{_REDACTED}:{_REDACTED}@{host}").geturl()


def redact_query_parameters(url: str) -> str:
    """A URL with `REDACTED` for the values of `PARAMS_TO_REDACT`. What is no URL is returned as it is."""
    # Reading a URL takes long. A name can only hide behind percent signs.
    if "?" not in url or ("%" not in url and not any(name in url for name in PARAMS_TO_REDACT)):
        return url
    try:
        parsed = urlparse(url)
        parameters = parse_qs(parsed.query)
        secret = [name for name in PARAMS_TO_REDACT if name in parameters]
        if not secret:
            return url
        parameters.update({name: [_REDACTED] for name in secret})
        return parsed._replace(query=urlencode(parameters, doseq=True)).geturl()
    except ValueError:
        return url


def redact_url(url: str) -> str:
    """A URL without its credentials and without the values of parameters that sign or authorise."""
    # Most have neither, and reading one takes as long as making a span. A name may be written with escapes.
    if "@" not in url and ("?" not in url or ("%" not in url and not any(name in url for name in PARAMS_TO_REDACT))):
        return url
    return redact_query_parameters(remove_url_credentials(url))


def normalize_user_agent(user_agent: str | bytes | bytearray | memoryview | None) -> str | None:
    """A user agent as text: servers and frameworks hold headers in several types."""
    if user_agent is None or isinstance(user_agent, str):
        return user_agent
    held: object = user_agent
    return bytes(held).decode("latin-1") if isinstance(held, (bytes, bytearray, memoryview)) else str(held)


def detect_synthetic_user_agent(user_agent: str | None) -> str | None:
    """`test` for monitoring that plays a user, `bot` for a crawler, None for what may be a user."""
    lower = (user_agent or "").lower()
    for pattern in TEST_PATTERNS:
        if pattern in lower:
            return "test"
    for pattern in BOT_PATTERNS:
        if pattern in lower:
            return "bot"
    return None


def _parse_active_request_count_attrs(req_attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in req_attrs.items() if key in _active_requests_count_attrs}


def _parse_duration_attrs(req_attrs: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in req_attrs.items() if key in _duration_attrs}


def _parse_url_query(url: str) -> tuple[str, str]:
    """The path and the query of a request's target, which a client may have made up: empty ones when it cannot be
    read."""
    try:
        parsed = urlparse(url)
    except ValueError:
        return "", ""
    return parsed.path, parsed.query
