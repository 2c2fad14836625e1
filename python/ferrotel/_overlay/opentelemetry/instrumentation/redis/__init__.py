"""Instruments redis-py: a span of every command and of every pipeline.

    from opentelemetry.instrumentation.redis import RedisInstrumentor

    RedisInstrumentor().instrument()  # all clients
    RedisInstrumentor.instrument_client(client)  # or this one

Clients may be synchronous or of `asyncio`, and of a cluster. Statements hold no values: `SET ? ?`.
"""

from __future__ import annotations

import sys
from functools import lru_cache, wraps
from importlib import import_module
from logging import getLogger
from types import MethodType
from typing import TYPE_CHECKING, Any, Callable, Collection, Iterator

from opentelemetry.instrumentation._semconv import (
    _get_schema_url_for_signal_types,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
)
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor
from opentelemetry.instrumentation.redis._traced import Telemetry, traced
from opentelemetry.instrumentation.redis.package import _instruments
from opentelemetry.instrumentation.redis.version import __version__
from opentelemetry.trace import Tracer, TracerProvider, get_tracer

if TYPE_CHECKING:
    from opentelemetry.instrumentation.redis.custom_types import RequestHook, ResponseHook

_logger = getLogger(__name__)

_INSTRUMENTATION_ATTR = "_is_instrumented_by_opentelemetry"
# Of a client or a pipeline that is instrumented by itself: what there was before.
_REPLACED_ATTR = "_replaced_by_opentelemetry"
_ABSENT = object()

# Module, class, method, and what of `Telemetry` goes around it. Not every release has all of them.
_METHODS = (
    ("redis.client", "StrictRedis", "execute_command", "command"),
    ("redis.client", "Pipeline", "execute", "pipeline"),
    ("redis.client", "Pipeline", "immediate_execute_command", "command"),
    # Before 3.0.
    ("redis.client", "BasePipeline", "execute", "pipeline"),
    ("redis.client", "BasePipeline", "immediate_execute_command", "command"),
    ("redis.cluster", "RedisCluster", "execute_command", "command"),
    ("redis.cluster", "ClusterPipeline", "execute", "pipeline"),
    ("redis.asyncio.client", "Redis", "execute_command", "async_command"),
    ("redis.asyncio.client", "Pipeline", "execute", "async_pipeline"),
    ("redis.asyncio.client", "Pipeline", "immediate_execute_command", "async_command"),
    ("redis.asyncio.cluster", "RedisCluster", "execute_command", "async_command"),
    ("redis.asyncio.cluster", "ClusterPipeline", "execute", "async_pipeline"),
)


def _methods() -> Iterator[tuple[Any, str, str]]:
    for module, class_name, method, around in _METHODS:
        try:
            owner = getattr(import_module(module), class_name, None)
        except ImportError:
            continue
        # Where it is inherited, the class that has it is instrumented.
        if owner is not None and method in vars(owner):
            yield owner, method, around


class RedisInstrumentor(BaseInstrumentor):
    """Instruments redis-py.

    What `instrument` and `instrument_client` take:

    - `tracer_provider`: default: the global one.
    - `request_hook`: called with the span, the client, the arguments and the options of a command, before it is sent.
    - `response_hook`: called with the span, the client and the response of a command or a pipeline.

    What a hook raises is logged.
    """

    _replaced: list[tuple[Any, str, Any, Any]] = []

    @staticmethod
    def _get_tracer(**kwargs: Any) -> Tracer:
        _OpenTelemetrySemanticConventionStability._initialize()
        signals = [_OpenTelemetryStabilitySignalType.DATABASE, _OpenTelemetryStabilitySignalType.HTTP]
        return get_tracer(
            __name__,
            __version__,
            tracer_provider=kwargs.get("tracer_provider"),
            schema_url=_get_schema_url_for_signal_types(signals),
        )

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def instrument(
        self,
        tracer_provider: TracerProvider | None = None,
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
        **kwargs: Any,
    ) -> Any:
        """Instruments all clients, those that there are too."""
        return super().instrument(
            tracer_provider=tracer_provider, request_hook=request_hook, response_hook=response_hook, **kwargs
        )

    def _instrument(self, **kwargs: Any) -> None:
        telemetry = Telemetry(self._get_tracer(**kwargs), kwargs.get("request_hook"), kwargs.get("response_hook"))
        self._replaced = []
        for owner, method, around in list(_methods()):
            original = vars(owner)[method]
            replacement = getattr(telemetry, around)(original)
            setattr(owner, method, replacement)
            self._replaced.append((owner, method, original, replacement))

    def _uninstrument(self, **kwargs: Any) -> None:
        for owner, method, original, replacement in self._replaced:
            # What somebody has put around ours since is theirs to remove.
            if vars(owner).get(method) is replacement:
                setattr(owner, method, original)
        self._replaced = []

    @staticmethod
    def instrument_client(
        client: Any,
        tracer_provider: TracerProvider | None = None,
        request_hook: RequestHook | None = None,
        response_hook: ResponseHook | None = None,
    ) -> None:
        """Instruments a client, and the pipelines that it makes from now on. A second time, this only warns."""
        if getattr(client, _INSTRUMENTATION_ATTR, False):
            _logger.warning("Attempting to instrument Redis connection while already instrumented")
            return
        tracer = RedisInstrumentor._get_tracer(tracer_provider=tracer_provider)
        telemetry = Telemetry(tracer, request_hook, response_hook)
        # Each pipeline needs them anew, and they are the same.
        if _is_async(client):
            command, pipeline = lru_cache(16)(telemetry.async_command), lru_cache(16)(telemetry.async_pipeline)
        else:
            command, pipeline = lru_cache(16)(telemetry.command), lru_cache(16)(telemetry.pipeline)

        def pipelines(make: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(make)
            def make_pipeline(self: Any, *args: Any, **kwargs: Any) -> Any:
                made = make(self, *args, **kwargs)
                _replace(made, "execute", pipeline)
                _replace(made, "immediate_execute_command", command)
                return made

            return make_pipeline

        _replace(client, "execute_command", command)
        _replace(client, "pipeline", pipelines)
        setattr(client, _INSTRUMENTATION_ATTR, True)

    @staticmethod
    def uninstrument_client(client: Any) -> None:
        """Takes the instrumentation out of a client, but not out of pipelines that it has made. Of a client without,
        this only warns."""
        if not getattr(client, _INSTRUMENTATION_ATTR, False):
            _logger.warning("Attempting to un-instrument Redis connection that wasn't instrumented")
            return
        for method, (own, replacement) in vars(client).pop(_REPLACED_ATTR, {}).items():
            if vars(client).get(method) is not replacement:
                continue
            if own is _ABSENT:
                delattr(client, method)
            else:
                setattr(client, method, own)
        delattr(client, _INSTRUMENTATION_ATTR)


def _is_async(client: Any) -> bool:
    asyncio = sys.modules.get("redis.asyncio")
    classes = (
        tuple(vars(asyncio)[name] for name in ("Redis", "RedisCluster") if name in vars(asyncio)) if asyncio else ()
    )
    return isinstance(client, classes)


def _replace(instance: Any, method: str, around: Callable[..., Callable[..., Any]]) -> None:
    """Puts something around a method of one object, if it has that."""
    bound = getattr(instance, method, None)
    if bound is None:
        return
    own = vars(instance).get(method, _ABSENT)
    function = getattr(bound, "__func__", None)
    if own is not _ABSENT or function is None:

        def function(self: Any, *args: Any, **kwargs: Any) -> Any:
            return bound(*args, **kwargs)

    elif function in traced:
        # All clients are instrumented, but this one's telemetry goes before: it makes no second span.
        function = function.__wrapped__
    replacement = MethodType(around(function), instance)
    setattr(instance, method, replacement)
    vars(instance).setdefault(_REPLACED_ATTR, {})[method] = own, replacement
