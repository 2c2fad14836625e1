"""Starting spans: parents, samplers and id generators written in Python, disabled tracers, parts that are replaced."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import pytest

from opentelemetry import context as context_api
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, Tracer, TracerProvider, _TracerConfig
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

REMOTE = SpanContext(0xA1, 0xB2, True, TraceFlags(1), TraceState([("k", "v")]))


def tracer_of(**arguments: Any) -> Any:
    return TracerProvider(shutdown_on_exit=False, **arguments).get_tracer("t")


def test_the_parent_is_the_current_span() -> None:
    tracer = tracer_of()
    with tracer.start_as_current_span("a") as parent:
        child = tracer.start_span("b")
        root = tracer.start_span("c", context=context_api.Context())
    assert child.parent is parent.context or child.parent == parent.context
    assert child.context.trace_id == parent.context.trace_id
    assert root.parent is None and root.context.trace_id != parent.context.trace_id


def test_a_given_context_wins() -> None:
    tracer = tracer_of()
    with tracer.start_as_current_span("a"):
        span = tracer.start_span("b", context=trace.set_span_in_context(NonRecordingSpan(REMOTE)))
    assert span.parent == REMOTE and span.context.trace_id == 0xA1 and not span.context.is_remote
    assert span.context.trace_state == REMOTE.trace_state


def test_an_invalid_parent_is_none() -> None:
    span = tracer_of().start_span("a", context=trace.set_span_in_context(trace.INVALID_SPAN))
    assert span.parent is None and span.context.is_valid


def test_an_unsampled_parent_has_unsampled_children() -> None:
    unsampled = SpanContext(0xA1, 0xB2, True, TraceFlags(0))
    span = tracer_of().start_span("a", context=trace.set_span_in_context(NonRecordingSpan(unsampled)))
    assert isinstance(span, NonRecordingSpan) and not span.is_recording()
    assert span.get_span_context().trace_id == 0xA1 and not span.get_span_context().trace_flags.sampled
    assert span.get_span_context().span_id not in (0, 0xB2)


class Recorder(Sampler):
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    def should_sample(self, *args: Any, **kwargs: Any) -> Any:
        self.asked.append((args, kwargs))
        return self.answer

    def get_description(self) -> str:
        return "Recorder"


def test_what_a_sampler_is_asked_and_answers() -> None:
    state = TraceState([("s", "1")])
    sampler = Recorder(SamplingResult(Decision.RECORD_ONLY, {"from": "sampler"}, state))
    links = [Link(REMOTE)]
    context = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    span = tracer_of(sampler=sampler).start_span("n", context, SpanKind.SERVER, {"a": 1}, links)
    ((args, kwargs),) = sampler.asked
    assert kwargs == {}
    assert args[0] is context and args[1] == 0xA1 and args[2] == "n" and args[3] is SpanKind.SERVER
    assert args[4] == {"a": 1} and args[5] is links
    assert span.is_recording() and not span.context.trace_flags.sampled
    assert span.attributes == {"from": "sampler"} and span.context.trace_state == state


def test_the_defaults_that_a_sampler_sees() -> None:
    sampler = Recorder(SamplingResult(Decision.DROP))
    span = tracer_of(sampler=sampler).start_span("n")
    ((args, _),) = sampler.asked
    assert args[0] is None and args[3] is SpanKind.INTERNAL and args[4] is None and tuple(args[5]) == ()
    assert isinstance(span, NonRecordingSpan) and span.get_span_context().is_valid


class Broken(Sampler):
    def should_sample(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("no decision")

    def get_description(self) -> str:
        return "Broken"


@pytest.mark.parametrize(
    "sampler",
    [
        Broken(),
        Recorder(None),
        Recorder("RECORD"),
        Recorder(SamplingResult(17)),  # type: ignore[arg-type]
        Recorder(SamplingResult(Decision.DROP, None, 5)),  # type: ignore[arg-type]
        object(),
    ],
)
def test_a_sampler_that_fails_costs_no_span(sampler: Any, caplog: pytest.LogCaptureFixture) -> None:
    tracer = tracer_of(sampler=sampler)
    with caplog.at_level(logging.DEBUG, "opentelemetry.sdk.trace"):
        span = tracer.start_span("n", attributes={"a": 1})
    assert span.is_recording() and span.attributes == {"a": 1} and span.context.trace_flags.sampled
    assert "The sampler failed" in caplog.text
    unsampled = NonRecordingSpan(SpanContext(1, 2, True, TraceFlags(0)))
    assert not tracer.start_span("n", trace.set_span_in_context(unsampled)).is_recording()


def test_interrupts_go_through_a_sampler() -> None:
    class Interrupted(Broken):
        def should_sample(self, *args: Any, **kwargs: Any) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tracer_of(sampler=Interrupted()).start_span("n")


class Counting(IdGenerator):
    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    def generate_trace_id(self) -> int:
        return 0xFF << 120


def test_ids_of_a_generator_in_python() -> None:
    tracer = tracer_of(id_generator=Counting())
    first, second = tracer.start_span("a"), tracer.start_span("b")
    assert (first.context.trace_id, first.context.span_id) == (0xFF << 120, 1)
    assert second.context.span_id == 2


@pytest.mark.parametrize("answer", [0, -1, 1 << 128, "1", None, 1.5, ValueError()])
def test_a_generator_that_fails_costs_no_span(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Nonsense(IdGenerator):
        def generate_span_id(self) -> int:
            if isinstance(answer, Exception):
                raise answer
            return answer  # type: ignore[no-any-return]

        generate_trace_id = generate_span_id

    with caplog.at_level(logging.DEBUG, "opentelemetry.sdk.trace"):
        span = tracer_of(id_generator=Nonsense()).start_span("a")
    assert span.context.is_valid
    assert "The id generator failed" in caplog.text


def test_a_method_of_one_random_generator_may_be_replaced() -> None:
    generator = RandomIdGenerator()
    generator.generate_span_id = lambda: 7  # type: ignore[method-assign]
    assert tracer_of(id_generator=generator).start_span("a").context.span_id == 7


def test_the_random_flag_says_what_the_generator_says() -> None:
    class Counting(RandomIdGenerator):
        def is_trace_id_random(self) -> bool:
            return False

    root = tracer_of().start_span("a")
    assert root.context.trace_flags.random_trace_id
    assert not tracer_of(id_generator=Counting()).start_span("a").context.trace_flags.random_trace_id
    # A child says what its trace says, and so does what is sent on.
    for parent, flags in ((root, "03"), (NonRecordingSpan(REMOTE), "01")):
        carrier: dict[str, str] = {}
        context = trace.set_span_in_context(tracer_of().start_span("b", trace.set_span_in_context(parent)))
        TraceContextTextMapPropagator().inject(carrier, context)
        assert carrier["traceparent"].rpartition("-")[2] == flags


def test_random_ids_differ() -> None:
    tracer = tracer_of()
    assert len({tracer.start_span("a").context.span_id for _ in range(1000)}) == 1000


def test_a_disabled_tracer_hands_its_parent_on() -> None:
    provider = TracerProvider(shutdown_on_exit=False, _tracer_configurator=lambda scope: _TracerConfig(False))
    tracer: Any = provider.get_tracer("t")
    assert not tracer._is_enabled()
    span = tracer.start_span("a", trace.set_span_in_context(NonRecordingSpan(REMOTE)))
    assert not span.is_recording() and span.get_span_context() == REMOTE
    provider._set_tracer_configurator(tracer_configurator=lambda scope: _TracerConfig(True))
    assert tracer.start_span("a").is_recording()


def test_the_config_is_a_value() -> None:
    assert _TracerConfig(True) == _TracerConfig.default() != _TracerConfig(False)
    assert repr(_TracerConfig(is_enabled=False)) == "_TracerConfig(is_enabled=False)"
    assert _TracerConfig(True) != True  # noqa: E712
    assert dataclasses.asdict(_TracerConfig(True)) == {"is_enabled": True}  # type: ignore[call-overload]
    assert dataclasses.replace(_TracerConfig(True), is_enabled=False) == _TracerConfig(False)  # type: ignore[type-var]
    with pytest.raises(TypeError):
        hash(_TracerConfig(True))


def test_parts_that_are_replaced_count_from_then_on() -> None:
    tracer = tracer_of()
    resource = Resource({"new": 1})
    tracer.resource = resource
    tracer._span_limits = SpanLimits(max_span_attributes=1)
    tracer.id_generator = Counting()
    span = tracer.start_span("a", attributes={"a": 1, "b": 2})
    assert span.resource is resource and span.attributes == {"b": 2} and span.context.span_id == 1
    tracer.sampler = ALWAYS_OFF
    assert tracer.sampler is ALWAYS_OFF and not tracer.start_span("b").is_recording()


def test_arguments_are_checked_as_python_does() -> None:
    tracer = tracer_of()
    for wrong in (
        lambda: tracer.start_span(),
        lambda: tracer.start_span("a", nonsense=1),
        lambda: tracer.start_span("a", name="b"),
        lambda: tracer.start_span("a", *range(9)),
        lambda: tracer.start_as_current_span(),
    ):
        with pytest.raises(TypeError):
            wrong()


def test_the_classes() -> None:
    tracer = tracer_of()
    assert type(tracer) is Tracer and isinstance(tracer, trace.Tracer)
    assert tracer.instrumentation_info.name == "t"
