"""OTLP's common messages as protobuf objects, for programs that build requests of their own.

The package opentelemetry-proto is imported when the first message is asked for, not before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ferrotel._late import TYPE_CHECKING, TypeVar, getLogger

if TYPE_CHECKING:
    from typing import Any, Callable

_logger = getLogger(__name__)

_TypingResourceT = TypeVar("_TypingResourceT")
_ResourceDataT = TypeVar("_ResourceDataT")


def protobuf(module: str) -> Any:
    """The generated module `opentelemetry.proto.<module>`."""
    from importlib import import_module

    try:
        return import_module(f"opentelemetry.proto.{module}")
    except ImportError as error:
        raise ImportError(
            "Protobuf objects need the package opentelemetry-proto: `pip install opentelemetry-proto`."
            " (The exporters don't need it.)"
        ) from error


def _common() -> Any:
    return protobuf("common.v1.common_pb2")


def _encode_instrumentation_scope(instrumentation_scope: Any) -> Any:
    scope = instrumentation_scope
    if scope is None:
        return _common().InstrumentationScope()
    return _common().InstrumentationScope(
        name=scope.name, version=scope.version, attributes=_encode_attributes(scope.attributes)
    )


def _encode_resource(resource: Any) -> Any:
    return protobuf("resource.v1.resource_pb2").Resource(attributes=_encode_attributes(resource.attributes))


def _encode_value(value: Any) -> Any:
    common = _common()
    if value is None:
        return common.AnyValue()
    # bool before int: it is one.
    for kind, field in ((bool, "bool"), (str, "string"), (int, "int"), (float, "double"), (bytes, "bytes")):
        if isinstance(value, kind):
            return common.AnyValue(**{f"{field}_value": value})
    if isinstance(value, Sequence):
        return common.AnyValue(array_value=common.ArrayValue(values=map(_encode_value, value)))
    if isinstance(value, Mapping):
        pairs = [_encode_key_value(str(key), item) for key, item in value.items()]
        return common.AnyValue(kvlist_value=common.KeyValueList(values=pairs))
    raise Exception(f"Invalid type {type(value)} of value {value}")


def _encode_key_value(key: str, value: Any) -> Any:
    return _common().KeyValue(key=key, value=_encode_value(value))


def _encode_span_id(span_id: int) -> bytes:
    return span_id.to_bytes(8, "big")


def _encode_trace_id(trace_id: int) -> bytes:
    return trace_id.to_bytes(16, "big")


def _encode_attributes(attributes: Mapping[str, Any] | None) -> list[Any]:
    pairs = []
    for key, value in (attributes or {}).items():
        try:
            pairs.append(_encode_key_value(key, value))
        except Exception as error:
            _logger.exception("Failed to encode key %s: %s", key, error)
    return pairs


def _get_resource_data(
    sdk_resource_scope_data: dict[Any, _ResourceDataT], resource_class: Callable[..., _TypingResourceT], name: str
) -> list[_TypingResourceT]:
    """One message of `resource_class` per resource, with the scopes under `scope_<name>`."""
    return [
        resource_class(**{"resource": _encode_resource(resource), f"scope_{name}": scopes.values()})  # type: ignore[attr-defined]
        for resource, scopes in sdk_resource_scope_data.items()
    ]
