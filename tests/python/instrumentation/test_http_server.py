"""What instrumentations of HTTP servers have done natively: the same as in Python, or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opentelemetry import propagate
from opentelemetry.instrumentation import _http_server
from opentelemetry.instrumentation._semconv import _StabilityMode
from opentelemetry.instrumentation.asgi._scope import _table_getter, _TableGetter
from opentelemetry.instrumentation.wsgi import WSGIGetter, _collect_new, _collect_old, wsgi_getter
from opentelemetry.trace import get_current_span
from opentelemetry.util import _http_server as native

MODES = {
    _StabilityMode.DEFAULT: (True, False),
    _StabilityMode.HTTP: (False, True),
    _StabilityMode.HTTP_DUP: (True, True),
}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Text(str):
    """Not exactly a str."""


def value(*usual: Any) -> st.SearchStrategy[Any]:
    unusual = st.one_of(st.none(), st.text(max_size=5), st.integers(0, 70000), st.booleans(), st.just(Text("x")))
    return st.one_of(st.sampled_from(usual), st.sampled_from(usual), unusual)


ENVIRONS = st.fixed_dictionaries(
    {"SERVER_PROTOCOL": st.sampled_from(["HTTP/1.1", "http/1.0", "HTTP/2", "HTTP/", "", "SPDY", "HTTP", "é"])},
    optional={
        "REQUEST_METHOD": st.sampled_from(["GET", "POST", "get", " GET", "PURGE", "", "QUERY", "ß", Text("GET")]),
        "RAW_URI": value("/orders/7?a=b", "", "/é"),
        "REQUEST_URI": value("/orders/8", ""),
        "PATH_INFO": value("/orders/7", ""),
        "QUERY_STRING": value("a=b", ""),
        "HTTP_HOST": value("shop.example:80", ""),
        "HTTP_USER_AGENT": value("curl/8", "Mozilla/5.0 (compatible; GoogleBot/2.1)", "AlwaysOn", "bot alwayson", "é"),
        "wsgi.url_scheme": value("http", "https", ""),
        "SERVER_NAME": value("shop", ""),
        "SERVER_PORT": value("80", "0080", "", "0", "x", "-1", "٣", " 80", "8_0", "99999999999999999999", 0, 8000),
        "REMOTE_ADDR": value("10.0.0.1", ""),
        "REMOTE_PORT": value("50000", ""),
        "REMOTE_HOST": value("10.0.0.1", "client", ""),
    },
)


@given(ENVIRONS, st.sampled_from(list(MODES)))
def test_attributes_of_an_environ(environ: dict[str, Any], mode: _StabilityMode) -> None:
    old, new = MODES[mode]
    made = _http_server._environ_attributes(environ, old, new)
    if made is None:
        return
    attributes: dict[str, Any] = {}
    if old:
        _collect_old(attributes, environ)
    if new:
        _collect_new(attributes, environ)
    # Also in the same order.
    assert list(made.items()) == list(attributes.items())
    assert [type(each) for each in made.values()] == [type(each) for each in attributes.values()]


def test_an_ordinary_request_needs_no_python() -> None:
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": "/orders/7?a=b",
        "PATH_INFO": "/orders/7",
        "QUERY_STRING": "a=b",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "shop.example",
        "HTTP_USER_AGENT": "an AlwaysOn probe",
        "wsgi.url_scheme": "http",
        "SERVER_NAME": "shop",
        "SERVER_PORT": "8000",
        "REMOTE_ADDR": "10.0.0.1",
        "REMOTE_PORT": "50000",
    }
    for old, new in MODES.values():
        made = _http_server._environ_attributes(environ, old, new)
        assert made is not None
        assert made["user_agent.synthetic.type"] == "test"
        assert made["net.host.port" if old else "server.port"] == 8000
    assert _http_server._environ_attributes({**environ, "REQUEST_METHOD": "get"}, True, True) is None
    assert _http_server._environ_attributes(type("Environ", (dict,), {})(environ), True, True) is None


def test_pick() -> None:
    attributes = {"a": 1, "b": 2, "c": 3}
    assert list(native.pick(attributes, ("c", "d", "a")).items()) == [("c", 3), ("a", 1)]
    assert attributes == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(TypeError):
        native.pick([], ())  # type: ignore[arg-type]


class _Loud(WSGIGetter):
    def get(self, carrier: dict[str, Any], key: str) -> list[str] | None:
        return [PARENT] if key == "traceparent" else None


CARRIERS = st.dictionaries(
    st.sampled_from(["traceparent", "tracestate", "baggage", "x-other"]),
    st.sampled_from([PARENT, PARENT.upper(), "a=1", "a=1,b=é", "", "00-1"]),
)


def told(context: Any) -> Any:
    found = get_current_span(context).get_span_context()
    others = {key: found for key, found in context.items() if "span" not in key}
    return found.trace_id, found.span_id, found.trace_flags, found.trace_state, found.is_remote, others


@given(CARRIERS)
def test_headers_are_read_as_their_getter_reads_them(headers: dict[str, str]) -> None:
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        **{"HTTP_" + name.upper().replace("-", "_"): header for name, header in headers.items()},
    }
    # A getter that is not exactly the one that is known is called.
    called = type("Called", (WSGIGetter,), {})()
    assert told(propagate.extract(environ, getter=wsgi_getter)) == told(propagate.extract(environ, getter=called))
    for encoding in ("utf-8", "latin-1"):
        table: Any = {name.encode(): header.encode(encoding) for name, header in headers.items()}
        called = type("Called", (_TableGetter,), {})()
        assert told(propagate.extract(table, getter=_table_getter)) == told(propagate.extract(table, getter=called))
    table = {b"traceparent": [PARENT.encode(), PARENT.encode()]}
    assert told(propagate.extract(table, getter=_table_getter))[0] == 0x0AF7651916CD43DD8448EB211C80319C


def test_a_getter_that_was_changed_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    span_id = 0xB7AD6B7169203331

    def parent(getter: Any) -> int:
        span_id: int = get_current_span(propagate.extract({}, getter=getter)).get_span_context().span_id
        return span_id

    assert parent(_Loud()) == span_id
    assert parent(wsgi_getter) == 0
    with monkeypatch.context() as patched:
        patched.setattr(WSGIGetter, "get", _Loud.get)
        assert parent(wsgi_getter) == span_id
    assert parent(wsgi_getter) == 0
    mine = WSGIGetter()
    mine.get = _Loud().get  # type: ignore[method-assign]
    assert parent(mine) == span_id


def test_another_implementation_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http_server, "_native", None)
    assert _http_server._environ_attributes({"REQUEST_METHOD": "GET", "RAW_URI": "/"}, True, False) is None
    _http_server._reads_plainly("environ", WSGIGetter)
