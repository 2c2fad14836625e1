"""Environment variables as a carrier, for context that a process hands to the processes that it starts.

`EnvironmentGetter` reads from a mapping such as `os.environ`; `EnvironmentSetter` writes to a copy of the environment
that a child process is then started with. The environment knows no header names: they are turned into names of
variables, upper case with underscores.
"""

from __future__ import annotations

import re
import typing

from opentelemetry.propagators.textmap import Getter, Setter

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")


def _normalize_key(key: str) -> str:
    name = _NOT_IN_A_NAME.sub("_", key).upper()
    return name if _is_normalized_key(name) else f"_{name}"


def _is_normalized_key(key: str) -> bool:
    return _NAME.fullmatch(key) is not None


class EnvironmentGetter(Getter[typing.Mapping[str, str]]):
    """Reads headers from environment variables. Variables whose names are not in the normal form are not seen."""

    def get(self, carrier: typing.Mapping[str, str], key: str) -> list[str] | None:
        value = carrier.get(_normalize_key(key))
        return None if value is None else [value]

    def keys(self, carrier: typing.Mapping[str, str]) -> list[str]:
        return [name for name in carrier if _is_normalized_key(name)]


class EnvironmentSetter(Setter[typing.MutableMapping[str, str]]):
    """Writes headers as environment variables."""

    def set(self, carrier: typing.MutableMapping[str, str], key: str, value: str) -> None:
        carrier[_normalize_key(key)] = value
