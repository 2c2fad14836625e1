"""Headers in environment variables (`OTEL_EXPORTER_OTLP_HEADERS` and its like)."""

from __future__ import annotations

from logging import getLogger
from re import compile as _compile
from typing import Mapping
from urllib.parse import unquote

from ferrotel._compat import deprecated

_logger = getLogger(__name__)

# The OTLP exporter specification ("Specifying headers via environment variables") takes its grammar from W3C Baggage:
# a key is an RFC 7230 token, a value is percent-encoded.
_OWS = r"[ \t]*"
_KEY_FORMAT = r"[\x21\x23-\x27\x2a\x2b\x2d\x2e\x30-\x39\x41-\x5a\x5e-\x7a\x7c\x7e]+"
_VALUE_FORMAT = r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
_LIBERAL_VALUE_FORMAT = _VALUE_FORMAT.replace("[", r"[\x20", 1)
_KEY_VALUE_FORMAT = f"{_OWS}{_KEY_FORMAT}{_OWS}={_OWS}{_VALUE_FORMAT}{_OWS}"
_BAGGAGE_PROPERTY_FORMAT = f"{_KEY_VALUE_FORMAT}|{_OWS}{_KEY_FORMAT}{_OWS}"

_NAME_PATTERN = _compile(_KEY_FORMAT)
_HEADER_PATTERN = _compile(_KEY_VALUE_FORMAT)
_LIBERAL_HEADER_PATTERN = _compile(f"{_OWS}{_KEY_FORMAT}{_OWS}={_OWS}{_LIBERAL_VALUE_FORMAT}{_OWS}")
_DELIMITER_PATTERN = _compile(r"[ \t]*,[ \t]*")

_INVALID_HEADER_ERROR_MESSAGE_STRICT_TEMPLATE = (
    "Header format invalid! Header values in environment variables must be "
    "URL encoded per the OpenTelemetry Protocol Exporter specification: %s"
)
_INVALID_HEADER_ERROR_MESSAGE_LIBERAL_TEMPLATE = (
    "Header format invalid! Header values in environment variables must be "
    "URL encoded per the OpenTelemetry Protocol Exporter specification or "
    "a comma separated list of name=value occurrences: %s"
)


def parse_env_headers(s: str, liberal: bool = False) -> Mapping[str, str]:
    """The headers in `s`, which looks like `name1=value1,name2=value2` with percent-encoded values.

    Names come back in lower case. What is malformed is left out with a warning. `liberal` also takes values that nobody
    encoded, such as `authorization=Basic abc`.
    """
    headers: dict[str, str] = {}
    for header in map(str.strip, _DELIMITER_PATTERN.split(s)):
        if not header:
            continue
        name, _, value = header.partition("=")
        if _HEADER_PATTERN.fullmatch(header):
            headers[unquote(name).strip().lower()] = unquote(value).strip()
        elif liberal and _LIBERAL_HEADER_PATTERN.fullmatch(header):
            headers[name.strip().lower()] = value.strip()
        else:
            _logger.warning(
                _INVALID_HEADER_ERROR_MESSAGE_LIBERAL_TEMPLATE
                if liberal
                else _INVALID_HEADER_ERROR_MESSAGE_STRICT_TEMPLATE,
                _without_secret(header),
            )
    return headers


@deprecated("You should use parse_env_headers. Deprecated since version 1.15.0.")
def parse_headers(s: str) -> Mapping[str, str]:
    """Older name of `parse_env_headers`."""
    return parse_env_headers(s)


def _without_secret(header: str) -> str:
    """Enough of a header to find it again: values are API keys and tokens, which belong in no log.

    Of `authorization: Bearer abc=` that is what stands before the colon.
    """
    equals = "=" in header
    name = _NAME_PATTERN.match(header)
    if equals and name:
        return f"{name.group()}=<{len(header) - name.end() - 1} characters>"
    return f"<{len(header)} characters>"
