"""From a tree of dicts and lists to the classes of `models`, held against the schema on the way."""

from __future__ import annotations

import dataclasses
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from opentelemetry.configuration import models
from opentelemetry.configuration._exceptions import ConfigurationError

_T = TypeVar("_T")

_SCALARS = {
    "str": (str, "a string"),
    "bool": (bool, "a boolean"),
    "int": (int, "an integer"),
    "float": (float, "a number"),
}

_KINDS = {str: "string", dict: "mapping", list: "list", bool: "boolean", int: "number", float: "number"}


def model_from(tree: Any, cls: type[_T], path: str = "") -> _T:
    """The `cls` of `models` that `tree` describes.

    Raises ConfigurationError, which says where: for a property that the class does not have (unless it takes components
    of any name), one that is missing, and a value of another type or out of bounds.
    """
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise _wrong(path, f"must be a mapping, and is {_shown(tree, path)}")
    known = _fields_of(cls)  # type: ignore[arg-type]
    open_ended = hasattr(cls, "_takes_other_names")
    arguments: dict[str, Any] = {}
    for key, value in tree.items():
        name = str(key).replace("/", "_")
        where = f"{path}.{key}" if path else str(key)
        if name in known:
            arguments[name] = _value_from(value, known[name][0], where, name)
        elif not open_ended:
            raise _wrong(where, f"is not known; {path or 'there'} can have {', '.join(sorted(known))}")
        elif cls is not models.OpenTelemetryConfiguration and not isinstance(value, (dict, type(None))):
            raise _wrong(where, f"must be a mapping, and is {_shown(value, path)}")
        else:
            arguments[str(key)] = value
    missing = [name for name, (_, required) in known.items() if required and name not in arguments]
    if missing:
        raise _wrong(path, f"lacks {', '.join(missing)}")
    if cls in models.ONE_OF and len(arguments) != 1:
        raise _wrong(path, f"must have one of {', '.join(sorted(known))}, and has {', '.join(arguments) or 'none'}")
    return cls(**arguments)


@lru_cache(maxsize=None)
def _fields_of(cls: Any) -> dict[str, tuple[str, bool]]:
    """The annotation of each field, and whether it must be there."""
    fields = dataclasses.fields(cls)
    return {field.name: (str(field.type), field.default is dataclasses.MISSING) for field in fields}


def _value_from(value: Any, annotation: str, path: str, name: str) -> Any:
    kind, _, optional = annotation.partition(" | ")
    if kind.startswith("list["):
        if value is None:
            return None
        if not isinstance(value, list):
            raise _wrong(path, f"must be a list, and is {_shown(value, path)}")
        if not value and name not in models.MAY_BE_EMPTY:
            raise _wrong(path, "must not be empty")
        return [_value_from(item, kind[5:-1], f"{path}[{index}]", name) for index, item in enumerate(value)]
    if kind in _SCALARS:
        return _scalar_from(value, kind, bool(optional), path, name)
    target = getattr(models, kind)
    if dataclasses.is_dataclass(target):
        # Nothing behind a key asks for the thing with its defaults; it can't be had where something must be said.
        if value is None and optional and any(required for _, required in _fields_of(target).values()):  # type: ignore[arg-type]
            return None
        return model_from(value, target, path)  # type: ignore[arg-type]
    if isinstance(target, type) and issubclass(target, Enum):
        return _word_from(value, target, path)
    if target is models.AttributeValue:
        return _attribute_value_from(value, path)
    return _mapping_from(value, target, path)


def _scalar_from(value: Any, kind: str, optional: bool, path: str, name: str) -> Any:
    if value is None and optional:
        return None
    wanted: type
    wanted, what = _SCALARS[kind]
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):
        raise _wrong(path, f"must be {what}, and is {_shown(value, path)}")
    least, greatest = models.BOUNDS.get(name, (None, None))
    if isinstance(value, (int, float)) and kind != "bool":
        if least is not None and value < least:
            raise _wrong(path, f"must be at least {least}, and is {_shown(value, path)}")
        if greatest is not None and value > greatest:
            raise _wrong(path, f"must be at most {greatest}, and is {_shown(value, path)}")
    return value


def _word_from(value: Any, words: type[Enum], path: str) -> Enum | None:
    if value is None:
        return None
    try:
        return words(value)
    except ValueError:
        known = ", ".join(str(word.value) for word in words)
        raise _wrong(path, f"must be one of {known}, and is {_shown(value, path)}") from None


def _attribute_value_from(value: Any, path: str) -> Any:
    items = value if isinstance(value, list) else [value]
    same = len({bool if isinstance(item, bool) else str if isinstance(item, str) else float for item in items}) == 1
    if not same or not all(isinstance(item, (str, bool, int, float)) for item in items if item is not None):
        raise _wrong(
            path, f"must be a string, a number, a boolean or a list of one of them, and is {_shown(value, path)}"
        )
    if isinstance(value, list) and None in value:
        raise _wrong(path, "must not have nothing in it")
    return value


def _mapping_from(value: Any, target: Any, path: str) -> dict[str, Any]:
    value = {} if value is None else value
    if not isinstance(value, dict):
        raise _wrong(path, f"must be a mapping, and is {_shown(value, path)}")
    if target is models.ExperimentalLanguageSpecificInstrumentation:
        for key, options in value.items():
            if not isinstance(options, (dict, type(None))):
                raise _wrong(f"{path}.{key}", f"must be a mapping, and is {_shown(options, path)}")
        return {key: options or {} for key, options in value.items()}
    if value:
        raise _wrong(path, f"has no properties, and is given {', '.join(map(str, value))}")
    return {}


def _shown(value: Any, path: str) -> str:
    """The value, where it is no secret: the environment may have filled one in."""
    is_secret = isinstance(value, str) and ("://" in value or "@" in value)
    if is_secret or "header" in path or "endpoint" in path or (value and isinstance(value, (dict, list))):
        return "a " + _KINDS.get(type(value), type(value).__name__)
    return f"{value!r:.100}"


def _wrong(path: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"{path or 'the configuration'} {message}")
