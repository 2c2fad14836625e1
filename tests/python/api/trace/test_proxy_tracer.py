"""How a proxy hands calls to the real tracer."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest

from opentelemetry import trace


class Recorder(trace.NoOpTracer):
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
        self.calls.append((args, kwargs))
        return trace.INVALID_SPAN

    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((args, kwargs))
        return trace.use_span(trace.INVALID_SPAN)


@pytest.fixture
def pair() -> tuple[trace.ProxyTracer, Recorder]:
    proxy, real = trace.ProxyTracer("test"), Recorder()
    proxy._real_tracer = real
    return proxy, real


def test_arguments_arrive_as_they_were_given(pair: tuple[trace.ProxyTracer, Recorder]) -> None:
    proxy, real = pair
    marker = object()
    for method in (proxy.start_span, proxy.start_as_current_span):
        method("a")
        method("a", None, trace.SpanKind.CLIENT)
        method("a", attributes=marker, links=())
        method(name="a")
        method(*"abcdefghijklmnop", **dict.fromkeys("ABCDEFGHIJ", 1))
    expected = [
        (("a",), {}),
        (("a", None, trace.SpanKind.CLIENT), {}),
        (("a",), {"attributes": marker, "links": ()}),
        ((), {"name": "a"}),
        (tuple("abcdefghijklmnop"), dict.fromkeys("ABCDEFGHIJ", 1)),
    ]
    assert real.calls == expected * 2


def test_a_tracer_that_is_patched_later_is_patched_for_the_proxy_too(
    pair: tuple[trace.ProxyTracer, Recorder], monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, real = pair
    proxy.start_span("a")
    monkeypatch.setattr(Recorder, "start_span", lambda self, name: name)
    assert proxy.start_span("b") == "b"  # type: ignore[comparison-overlap]
    monkeypatch.setattr(real, "start_span", lambda name: name * 2)
    assert proxy.start_span("b") == "bb"  # type: ignore[comparison-overlap]


def test_what_the_real_tracer_raises_comes_through(pair: tuple[trace.ProxyTracer, Recorder]) -> None:
    class Fails(trace.NoOpTracer):
        def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
            raise KeyError("no")

        def start_as_current_span(self, *args: Any, **kwargs: Any) -> Any:
            raise KeyError("no")

    proxy, _ = pair
    proxy._real_tracer = Fails()
    with pytest.raises(KeyError):
        proxy.start_span("a")
    with pytest.raises(KeyError):
        proxy.start_as_current_span("a")
    with pytest.raises(TypeError):
        trace.ProxyTracer("test").start_span()


def test_a_proxy_without_its_real_tracer_asks_again(pair: tuple[trace.ProxyTracer, Recorder]) -> None:
    proxy, real = pair
    proxy._real_tracer = None
    assert proxy._tracer is proxy._noop_tracer
    proxy.start_span("a")
    assert real.calls == []


def test_subclasses_of_the_proxy_may_override_and_call_super() -> None:
    class Mine(trace.ProxyTracer):
        def start_span(self, name: str, *args: Any, **kwargs: Any) -> trace.Span:
            return super().start_span(f"mine {name}", *args, **kwargs)

    proxy, real = Mine("test", "1.0"), Recorder()
    proxy._real_tracer = real
    proxy.start_span("a")
    assert real.calls == [(("mine a",), {})]
    assert proxy._instrumenting_module_name == "test"
    assert isinstance(proxy, trace.Tracer)


def test_forwarding_keeps_no_references(pair: tuple[trace.ProxyTracer, Recorder]) -> None:
    proxy, real = pair
    name, value = "x" * 50, object()
    before = sys.getrefcount(name), sys.getrefcount(value), sys.getrefcount(real)
    for _ in range(100):
        proxy.start_span(name, attributes=value)
        with proxy.start_as_current_span(name, attributes=value):
            pass
        real.calls.clear()
    assert (sys.getrefcount(name), sys.getrefcount(value), sys.getrefcount(real)) == before


def test_a_proxy_in_a_cycle_is_collected() -> None:
    proxy, real = trace.ProxyTracer("test"), Recorder()
    proxy._real_tracer = real
    real.proxy = proxy  # type: ignore[attr-defined]
    gone = weakref.ref(proxy)
    del proxy, real
    gc.collect()
    assert gone() is None
