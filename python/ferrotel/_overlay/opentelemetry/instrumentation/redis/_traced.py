"""What is put around the methods of redis-py that send commands and pipelines."""

from __future__ import annotations

from functools import wraps
from logging import getLogger
from typing import Any, Callable, Sequence
from weakref import WeakSet

from opentelemetry.instrumentation._semconv import (
    _get_semconv_opt_in_modes,
    _OpenTelemetryStabilitySignalType,
)
from opentelemetry.instrumentation.redis.util import (
    _add_create_attributes,
    _add_search_attributes,
    _build_span_name,
    _commands_of,
    _connection_kwargs,
    _extract_conn_attributes,
    _format_command_args,
    _pipeline_name,
    _pipeline_statement,
    _statement_attributes,
)
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind, Tracer
from redis import WatchError

_logger = getLogger("opentelemetry.instrumentation.redis")

_CLIENT = SpanKind.CLIENT
_ABSENT = object()
_MAX_REMEMBERED = 2000

# Every function that is put around one of redis-py's.
traced: WeakSet[Any] = WeakSet()


def _call_hook(hook: Callable[..., Any], *args: Any) -> None:
    try:
        hook(*args)
    except Exception:
        _logger.warning("Exception raised by hook %r", hook, exc_info=True)


class Telemetry:
    """Makes the spans of some clients."""

    def __init__(
        self,
        tracer: Tracer,
        request_hook: Callable[..., Any] | None = None,
        response_hook: Callable[..., Any] | None = None,
    ) -> None:
        database, http = _OpenTelemetryStabilitySignalType.DATABASE, _OpenTelemetryStabilitySignalType.HTTP
        modes = _get_semconv_opt_in_modes((database, http))
        self._db_mode, self._http_mode = modes[database], modes[http]
        self._start = tracer.start_as_current_span
        self._request_hook = request_hook if callable(request_hook) else None
        self._response_hook = response_hook if callable(response_hook) else None
        # Names and attributes of the commands that have come, which differ in little else than the values of their
        # arguments.
        self._remembered: dict[Any, tuple[str, dict[str, Any]]] = {}

    def command(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """Around a method that sends one command."""
        start, describe = self._start, self._describe
        request_hook, response_hook = self._request_hook, self._response_hook

        @wraps(execute)
        def execute_command(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_instrumentation_enabled():
                return execute(self, *args, **kwargs)
            name, attributes = describe(self, args)
            with start(name, kind=_CLIENT, attributes=attributes) as span:
                if name == "redis.create_index":
                    _add(_add_create_attributes, span, args)
                if request_hook is not None:
                    _call_hook(request_hook, span, self, args, kwargs)
                response = execute(self, *args, **kwargs)
                if name == "redis.search":
                    _add(_add_search_attributes, span, response, args)
                if response_hook is not None:
                    _call_hook(response_hook, span, self, response)
                return response

        traced.add(execute_command)
        return execute_command

    def async_command(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """Around a coroutine method that sends one command."""
        start, describe = self._start, self._describe
        request_hook, response_hook = self._request_hook, self._response_hook

        @wraps(execute)
        async def execute_command(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_instrumentation_enabled():
                return await execute(self, *args, **kwargs)
            name, attributes = describe(self, args)
            with start(name, kind=_CLIENT, attributes=attributes) as span:
                if name == "redis.create_index":
                    _add(_add_create_attributes, span, args)
                if request_hook is not None:
                    _call_hook(request_hook, span, self, args, kwargs)
                response = await execute(self, *args, **kwargs)
                if name == "redis.search":
                    _add(_add_search_attributes, span, response, args)
                if response_hook is not None:
                    _call_hook(response_hook, span, self, response)
                return response

        traced.add(execute_command)
        return execute_command

    def pipeline(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """Around a method that sends the commands of a pipeline."""
        start, response_hook = self._start, self._response_hook
        describe, add_commands = self._describe_pipeline, self._add_commands

        @wraps(execute)
        def execute_pipeline(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_instrumentation_enabled():
                return execute(self, *args, **kwargs)
            commands, name, attributes = describe(self)
            response, changed = None, None
            with start(name, kind=_CLIENT, attributes=attributes) as span:
                _add(add_commands, span, commands)
                try:
                    response = execute(self, *args, **kwargs)
                except WatchError as error:
                    # That a watched key has changed is an answer, and no failure.
                    changed = error
                if response_hook is not None:
                    _call_hook(response_hook, span, self, response)
            return _answer(response, changed)

        traced.add(execute_pipeline)
        return execute_pipeline

    def async_pipeline(self, execute: Callable[..., Any]) -> Callable[..., Any]:
        """Around a coroutine method that sends the commands of a pipeline."""
        start, response_hook = self._start, self._response_hook
        describe, add_commands = self._describe_pipeline, self._add_commands

        @wraps(execute)
        async def execute_pipeline(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_instrumentation_enabled():
                return await execute(self, *args, **kwargs)
            commands, name, attributes = describe(self)
            response, changed = None, None
            with start(name, kind=_CLIENT, attributes=attributes) as span:
                _add(add_commands, span, commands)
                try:
                    response = await execute(self, *args, **kwargs)
                except WatchError as error:
                    changed = error
                if response_hook is not None:
                    _call_hook(response_hook, span, self, response)
            return _answer(response, changed)

        traced.add(execute_pipeline)
        return execute_pipeline

    def _describe(self, client: Any, args: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        """Name and attributes of the span of a command."""
        try:
            kwargs = client.connection_pool.connection_kwargs
            server = kwargs.get
            key = (
                args[0],
                len(args),
                server("host", _ABSENT),
                server("port", _ABSENT),
                server("db"),
                server("path", _ABSENT),
            )
            name, attributes = self._remembered[key]
        except KeyError:
            name, attributes = self._described(client, args)
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[key] = name, attributes
        except Exception:
            # A cluster, a command without a name, or a pool or a name of somebody's own.
            return self._described(client, args)
        # A sampler may do with it as it likes.
        return name, attributes.copy()

    def _described(self, client: Any, args: Sequence[Any]) -> tuple[str, dict[str, Any]]:
        try:
            attributes = _statement_attributes(_format_command_args(args), self._db_mode)
            attributes["db.redis.args_length"] = len(args)
            return _build_span_name(client, args), {**attributes, **self._server(client)}
        except Exception:
            _logger.debug("A redis command could not be described", exc_info=True)
            return "redis", {}

    def _describe_pipeline(self, pipeline: Any) -> tuple[Sequence[Any], str, dict[str, Any]]:
        """The commands of a pipeline, the name of its span, and the attributes that cost nothing."""
        try:
            commands = _commands_of(pipeline)
            return commands, _pipeline_name(commands), self._server(pipeline)
        except Exception:
            _logger.debug("A redis pipeline could not be described", exc_info=True)
            return (), "redis", {}

    def _add_commands(self, span: Span, commands: Sequence[Any]) -> None:
        attributes = _statement_attributes(_pipeline_statement(commands), self._db_mode)
        attributes["db.redis.pipeline_length"] = len(commands)
        span.set_attributes(attributes)

    def _server(self, client: Any) -> dict[str, Any]:
        kwargs = _connection_kwargs(client)
        return {} if kwargs is None else _extract_conn_attributes(kwargs, self._db_mode, self._http_mode)


def _answer(response: Any, changed: WatchError | None) -> Any:
    if changed is None:
        return response
    try:
        raise changed
    finally:
        # No cycle with its traceback.
        del changed


def _add(add: Callable[..., None], span: Span, *args: Any) -> None:
    """Adds attributes to a span, whatever a command was given and has answered."""
    if not span.is_recording():
        return
    try:
        add(span, *args)
    except Exception:
        _logger.debug("The attributes of a redis command could not be read", exc_info=True)
