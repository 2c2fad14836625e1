"""What an ASGI scope says about a request: its headers, its address, its attributes."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, MutableMapping, Union
from urllib.parse import unquote

from opentelemetry.instrumentation._http_server import _reads_plainly
from opentelemetry.instrumentation._semantic_conventions import (
    CLIENT_ADDRESS,
    CLIENT_PORT,
    HTTP_FLAVOR,
    HTTP_HOST,
    HTTP_METHOD,
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_SCHEME,
    HTTP_SERVER_NAME,
    HTTP_TARGET,
    HTTP_URL,
    HTTP_USER_AGENT,
    NET_HOST_PORT,
    NET_PEER_IP,
    NET_PEER_PORT,
    NETWORK_PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_PATH,
    URL_QUERY,
    URL_SCHEME,
    USER_AGENT_ORIGINAL,
    USER_AGENT_SYNTHETIC_TYPE,
)
from opentelemetry.instrumentation._semconv import _report_new, _report_old, _StabilityMode, set_int_attribute
from opentelemetry.propagators.textmap import Getter, Setter
from opentelemetry.util.http import SanitizeValue, detect_synthetic_user_agent, redact_url, sanitize_method

_Scope = MutableMapping[str, Any]
# The values of headers by their names in lower case: a list where there are several.
_Table = Dict[bytes, Union[bytes, List[bytes]]]


def _text(value: Any) -> str:
    """A header's name or value as text."""
    try:
        text: str = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    except AttributeError:
        # Frameworks that put text there, though ASGI says bytes.
        text = str(value)
    return text


def _pairs(carrier: _Scope) -> Any:
    """The headers of a scope or an event, in a sequence that can be read more than once."""
    pairs = carrier.get("headers")
    if not pairs:
        return ()
    if type(pairs) is not list and type(pairs) is not tuple:
        # ASGI allows any iterable; the application must find it unread.
        carrier["headers"] = pairs = list(pairs)
    return pairs


def _table(carrier: _Scope) -> _Table:
    """The headers of a request, to be looked up."""
    pairs = _pairs(carrier)
    table: _Table = dict(pairs)
    # Names are in lower case, says ASGI. A request without a host hardly comes from a server that keeps to it.
    if len(table) == len(pairs) and b"host" in table:
        return table
    table = {}
    for name, value in pairs:
        name = _text(name).lower().encode()
        before = table.get(name)
        if before is None:
            table[name] = value
        elif isinstance(before, list):
            before.append(value)
        else:
            table[name] = [before, value]
    return table


class _TableGetter(Getter[_Table]):
    """Reads headers out of a table of them."""

    def get(self, carrier: _Table, key: str) -> list[str] | None:
        value = carrier.get(key.lower().encode())
        if value is None:
            return None
        return [_text(value)] if type(value) is not list else [_text(each) for each in value]

    def keys(self, carrier: _Table) -> list[str]:
        return [_text(name) for name in carrier]


_reads_plainly("bytes", _TableGetter)
_table_getter = _TableGetter()


class ASGIGetter(Getter[_Scope]):
    """Reads headers out of an ASGI scope."""

    def get(self, carrier: _Scope, key: str) -> list[str] | None:
        """The values of a header, in any case. None when it is not there."""
        key = key.lower()
        return [_text(value) for name, value in _pairs(carrier) if _text(name).lower() == key] or None

    def keys(self, carrier: _Scope) -> list[str]:
        """The names of all headers."""
        return [_text(name) for name, _ in _pairs(carrier)]


asgi_getter = ASGIGetter()


class ASGISetter(Setter[_Scope]):
    """Adds headers to those of an ASGI event, such as `http.response.start`."""

    def set(self, carrier: _Scope, key: str, value: str) -> None:
        """Adds a header behind the others."""
        header = [key.lower().encode(), value.encode()]
        headers = carrier.get("headers")
        if isinstance(headers, list):
            headers.append(header)
        else:
            # None, or a sequence that cannot be added to.
            carrier["headers"] = [*(headers or ()), header]


asgi_setter = ASGISetter()


def get_host_port_url_tuple(scope: _Scope) -> tuple[str, Any, str]:
    """The server's address (with its port, unless that is 80), its port, and the URL of a request without its query."""
    return _address(scope, _table(scope))


def _address(scope: _Scope, headers: _Table) -> tuple[str, Any, str]:
    server = scope.get("server") or ("0.0.0.0", 80)
    port = server[1]
    # The path of a Unix socket has no port.
    address = server[0] if port in (None, 80, "80") else f"{server[0]}:{port}"
    host = headers.get(b"host")
    known = address if host is None else _text(host[0] if type(host) is list else host)
    return address, port, f"{scope.get('scheme', 'http')}://{known}{scope.get('path', '')}"


def _method(scope: _Scope) -> str:
    method = sanitize_method(scope.get("method", "").strip())
    return "HTTP" if method == "_OTHER" else method


def get_default_span_details(scope: _Scope) -> tuple[str, dict[str, Any]]:
    """The name of a request's span, which is its method and path, and no attributes. `HTTP` stands for a method that is
    not known, and for a WebSocket, which has none."""
    method, path = _method(scope), scope.get("path", "").strip()
    return (f"{method} {path}" if method and path else path or method), {}


def collect_request_attributes(
    scope: _Scope, sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT
) -> dict[str, Any]:
    """The attributes of a request, as far as they are known before it is handled."""
    return _collect(scope, _table(scope), sem_conv_opt_in_mode)


def _collect(scope: _Scope, headers: _Table, mode: _StabilityMode) -> dict[str, Any]:
    query = scope.get("query_string")
    if query and isinstance(query, bytes):
        query = query.decode("utf-8", "replace")
    attributes: dict[str, Any] = {}
    if _report_old(mode):
        _collect_old(attributes, scope, headers, query)
    if _report_new(mode):
        _collect_new(attributes, scope, headers, query)
    return attributes


def _collect_old(attributes: dict[str, Any], scope: _Scope, headers: _Table, query: str | None) -> None:
    get = scope.get
    address, port, url = _address(scope, headers)
    method, path, scheme, version, client = (
        get("method"),
        get("path"),
        get("scheme"),
        get("http_version"),
        get("client"),
    )
    if method:
        attributes[HTTP_METHOD] = sanitize_method(method.strip())
    if scheme:
        attributes[HTTP_SCHEME] = scheme
    if address:
        attributes[HTTP_HOST] = address
    if port:
        set_int_attribute(attributes, NET_HOST_PORT, port)
    if version:
        attributes[HTTP_FLAVOR] = version
    if path:
        attributes[HTTP_TARGET] = path
    attributes[HTTP_URL] = redact_url(f"{url}?{unquote(query)}" if query else url)
    host = headers.get(b"host")
    if host:
        attributes[HTTP_SERVER_NAME] = _text(host) if type(host) is not list else ",".join(map(_text, host))
    if client:
        if client[0]:
            attributes[NET_PEER_IP] = client[0]
        set_int_attribute(attributes, NET_PEER_PORT, client[1])
    _set_user_agent(attributes, HTTP_USER_AGENT, headers)


def _collect_new(attributes: dict[str, Any], scope: _Scope, headers: _Table, query: str | None) -> None:
    get = scope.get
    address, port, _ = _address(scope, headers)
    original, client = get("method"), get("client")
    if original:
        original = original.strip()
        method = attributes[HTTP_REQUEST_METHOD] = sanitize_method(original)
        if original != method:
            attributes[HTTP_REQUEST_METHOD_ORIGINAL] = original
    known = (
        (URL_SCHEME, get("scheme")),
        (SERVER_ADDRESS, address),
        (NETWORK_PROTOCOL_VERSION, get("http_version")),
        (URL_PATH, get("path")),
        (URL_QUERY, query),
        (CLIENT_ADDRESS, client and client[0]),
    )
    for key, value in known:
        if value:
            attributes[key] = value
    set_int_attribute(attributes, SERVER_PORT, port)
    if client:
        set_int_attribute(attributes, CLIENT_PORT, client[1])
    _set_user_agent(attributes, USER_AGENT_ORIGINAL, headers)


def _set_user_agent(attributes: dict[str, Any], key: str, headers: _Table) -> None:
    header = headers.get(b"user-agent")
    if header:
        user_agent = attributes[key] = _text(header[0] if type(header) is list else header)
        kind = detect_synthetic_user_agent(user_agent)
        if kind:
            attributes[USER_AGENT_SYNTHETIC_TYPE] = kind


def collect_custom_headers_attributes(
    scope_or_response_message: _Scope,
    sanitize: SanitizeValue,
    header_regexes: list[str],
    normalize_names: Callable[[str], str],
) -> dict[str, list[str]]:
    """The attributes for the headers of a scope or an event whose names fit one of the regular expressions."""
    headers: dict[str, list[str]] = {}
    for name, value in _pairs(scope_or_response_message):
        headers.setdefault(_text(name), []).append(_text(value))
    values: Any = headers
    return sanitize.sanitize_header_values(values, header_regexes, normalize_names)


def _content_length(carrier: _Scope) -> int | None:
    """The length that the headers of a scope or an event say, or None."""
    for name, value in _pairs(carrier):
        # Applications that answer by themselves may write it in any case.
        if len(name) == 14 and name.lower() == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _collect_target_attribute(scope: _Scope) -> str | None:
    """The route that a framework has found for a request, in front of which it is mounted. None when it left none."""
    path_format = getattr(scope.get("route"), "path_format", None)
    return f"{scope.get('root_path', '')}{path_format}" if path_format else None
