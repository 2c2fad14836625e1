"""Names and attributes of the spans of commands and pipelines."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Mapping, Sequence

from opentelemetry.instrumentation._semconv import (
    _set_db_redis_database_index,
    _set_db_statement,
    _set_db_system,
    _set_http_net_peer_name_client,
    _set_http_peer_port_client,
    _set_net_transport,
    _StabilityMode,
)
from opentelemetry.trace import Span

_MAX_STATEMENT = 1000
# Of a name, and of what the documents of one result add: more would push the other attributes out of the span.
_MAX_NAME = 1000
_MAX_DOCUMENT_FIELDS = 100

_RENAMED = {"FT.SEARCH": "redis.search", "FT.CREATE": "redis.create_index"}
_FIELD_TYPES = ("NUMERIC", "TEXT", "GEO", "TAG", "VECTOR")
_NO_COMMANDS: tuple[list[Any], str, str] = ([], "", "redis")


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def _text(value: Any) -> Any:
    """Bytes that are text as such, anything else as it is."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _format_command_args(args: Sequence[Any]) -> str:
    """A command as a statement: a question mark for each argument, whose values may be secrets."""
    if not args:
        return ""
    # Of a long command no more is made than is kept.
    return _shortened(str(args[0]) + " ?" * min(len(args) - 1, _MAX_STATEMENT), _MAX_STATEMENT)


def _build_span_name(instance: Any, cmd_args: Sequence[Any]) -> str:
    if cmd_args and cmd_args[0]:
        command = cmd_args[0]
        return _RENAMED.get(command) or str(command)
    kwargs = _connection_kwargs(instance)
    return str((kwargs and kwargs.get("db")) or 0)


def _connection_kwargs(instance: Any) -> Any:
    """What a client makes connections with; None when it does not say so, as a cluster's."""
    return getattr(getattr(instance, "connection_pool", None), "connection_kwargs", None)


def _extract_conn_attributes(
    conn_kwargs: Mapping[str, Any], db_mode: _StabilityMode, http_mode: _StabilityMode
) -> dict[str, Any]:
    """Which server and database."""
    attributes: dict[str, Any] = {}
    _set_db_system(attributes, "redis", db_mode)
    # `from_url` says None where it means the first.
    _set_db_redis_database_index(attributes, conn_kwargs.get("db") or 0, db_mode)
    if "path" in conn_kwargs:
        _set_http_net_peer_name_client(attributes, conn_kwargs["path"], http_mode)
        _set_net_transport(attributes, "other", "unix", http_mode)
    else:
        _set_http_net_peer_name_client(attributes, conn_kwargs.get("host", "localhost"), http_mode)
        _set_http_peer_port_client(attributes, conn_kwargs.get("port", 6379), http_mode)
        _set_net_transport(attributes, "ip_tcp", "tcp", http_mode)
    return attributes


def _statement_attributes(statement: str, db_mode: _StabilityMode) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    _set_db_statement(attributes, statement, db_mode)
    return attributes


# Pipelines


def _commands_of(pipeline: Any) -> Sequence[Any]:
    # Where redis-py has kept them: since 6 the strategy of a cluster's pipeline does, public or not.
    strategy = getattr(pipeline, "_execution_strategy", None)
    for holder, name in (
        (strategy, "command_queue"),
        (strategy, "_command_queue"),
        (pipeline, "command_stack"),
        (pipeline, "_command_stack"),
    ):
        commands = getattr(holder, name, None)
        if commands is not None:
            return commands  # type: ignore[no-any-return]
    return ()


def _arguments_of(command: Any) -> Sequence[Any]:
    """A cluster's pipeline holds objects, the others tuples of arguments and options."""
    return command.args if hasattr(command, "args") else command[0]  # type: ignore[no-any-return]


def _pipeline_name(commands: Iterable[Any]) -> str:
    words: list[str] = []
    length = 0
    for command in commands:
        words.append(str(_arguments_of(command)[0]))
        length += len(words[-1]) + 1
        if length > _MAX_NAME + 1:
            break
    return _shortened(" ".join(words), _MAX_NAME) or "redis"


def _pipeline_statement(commands: Iterable[Any]) -> str:
    return "\n".join([_format_command_args(_arguments_of(command)) for command in commands])


def _build_span_meta_data_for_pipeline(instance: Any) -> tuple[Sequence[Any], str, str]:
    """The commands that a pipeline holds, their statements, a line each, and the name of its span."""
    try:
        commands = _commands_of(instance)
        return commands, _pipeline_statement(commands), _pipeline_name(commands)
    except (AttributeError, IndexError, TypeError):
        return _NO_COMMANDS


# Search


def _set_span_attribute_if_value(span: Span, name: str, value: Any) -> None:
    if value is not None and value != "":
        span.set_attribute(name, value)


def _value_or_none(values: Sequence[Any], n: int) -> Any:
    return values[n] if len(values) > n else None


def _add_create_attributes(span: Span, args: Sequence[Any]) -> None:
    """Of FT.CREATE: the index, and the names and types of its fields."""
    _set_span_attribute_if_value(span, "redis.create_index.index", _value_or_none(args, 1))
    if "SCHEMA" not in args:
        return
    schema = args[args.index("SCHEMA") :]
    fields = "".join(
        f"Field(name: {name}, type: {kind});" for name, kind in zip(schema, schema[1:]) if kind in _FIELD_TYPES
    )
    _set_span_attribute_if_value(span, "redis.create_index.fields", fields)


def _add_search_attributes(span: Span, response: Any, args: Sequence[Any]) -> None:
    """Of FT.SEARCH: index, query, how many documents it found, and the fields of those that came."""
    _set_span_attribute_if_value(span, "redis.search.index", _value_or_none(args, 1))
    _set_span_attribute_if_value(span, "redis.search.query", _value_or_none(args, 2))
    if isinstance(response, Mapping):
        total, documents = _of_resp3(response)
    elif isinstance(response, (list, tuple)) and response:
        total, documents = response[0], _of_resp2(response)
    else:
        return
    _set_span_attribute_if_value(span, "redis.search.total", total)
    if "NOCONTENT" in args or not total:
        return
    left = _MAX_DOCUMENT_FIELDS
    for document, fields in documents:
        for name, value in fields:
            if left == 0:
                return
            left -= 1
            _set_span_attribute_if_value(span, f"redis.search.xdoc_{_text(document)}.{_text(name)}", _text(value))


_Documents = Iterable["tuple[Any, Iterable[tuple[Any, Any]]]"]


def _of_resp2(response: Sequence[Any]) -> Iterator[tuple[Any, Iterable[tuple[Any, Any]]]]:
    # Total, then name and fields of each document; the fields in turn name, value, name, value.
    for document, fields in zip(response[1::2], response[2::2]):
        if not isinstance(fields, (list, tuple)):
            # Scores or payloads were asked for too.
            return
        yield document, zip(fields[::2], fields[1::2])


def _of_resp3(response: Mapping[Any, Any]) -> tuple[Any, _Documents]:
    response = {_text(key): value for key, value in response.items()}
    found = [{_text(key): value for key, value in result.items()} for result in response.get("results") or ()]
    documents = ((each.get("id"), (each.get("extra_attributes") or {}).items()) for each in found)
    return response.get("total_results"), documents
