"""Dependencies as a distribution's metadata spells them: `requests ~= 2.0; extra == "instruments"` (PEP 508)."""

from __future__ import annotations

import os
import re
import sys
from typing import Callable, Iterator

from opentelemetry.instrumentation._version_specifier import VersionSpecifier

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[(?P<extras>[^\]]*)\])?\s*"
    r"(?:@\s*(?P<url>[^\s;]+)|\(?(?P<specifier>[^();@]*)\)?)\s*(?:;(?P<marker>.*))?\s*"
)
_TOKEN = re.compile(r"\s*(\(|\)|'[^']*'|\"[^\"]*\"|not\s+in\b|[a-z_]+|~=|===|==|!=|<=|>=|<|>)\s*")


class InvalidRequirement(ValueError):
    """The text is no dependency."""


class Requirement:
    """One dependency. Raises InvalidRequirement for text that is none."""

    def __init__(self, text: str) -> None:
        match = _REQUIREMENT.fullmatch(text)
        if match is None:
            raise InvalidRequirement(f"no dependency: {text!r}")
        self.name = match["name"]
        self.extras = sorted(filter(None, (extra.strip() for extra in (match["extras"] or "").split(","))))
        self.url = match["url"]
        try:
            self.specifier = VersionSpecifier(match["specifier"] or "")
            self.marker = Marker(match["marker"]) if match["marker"] is not None else None
        except ValueError as error:
            raise InvalidRequirement(f"no dependency: {text!r}: {error}") from error

    def __str__(self) -> str:
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        url = f" @ {self.url}" if self.url else ""
        marker = f"{' ' if self.url else ''}; {self.marker}" if self.marker else ""
        return f"{self.name}{extras}{url}{self.specifier}{marker}"

    def applies(self, extra: str) -> bool:
        """Is it a dependency here when this extra is asked for?"""
        return self.marker is None or self.marker.holds(extra)


class Marker:
    """A condition on the environment, such as `python_version < "3.9" and extra == "instruments"`. Raises
    ValueError."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        # What is wrong with it shows now, not when it is asked.
        self.holds("")

    def __str__(self) -> str:
        spaced = " ".join(f'"{token[1:-1]}"' if token[0] in "'\"" else token for token in self._tokens)
        return spaced.replace("( ", "(").replace(" )", ")")

    def holds(self, extra: str) -> bool:
        remaining = list(reversed(self._tokens))
        result = _any(remaining, extra)
        if remaining:
            raise ValueError(f"unexpected {remaining[-1]!r} in the marker")
        return result


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"no marker: {text!r}")
        yield re.sub(r"^not\s+in$", "not in", match[1])
        at = match.end()


# The tokens are taken from the list's end. Both sides are always read, so that their tokens are gone.


def _any(remaining: list[str], extra: str) -> bool:
    result = _all(remaining, extra)
    while remaining[-1:] == ["or"]:
        remaining.pop()
        result = _all(remaining, extra) or result
    return result


def _all(remaining: list[str], extra: str) -> bool:
    result = _one(remaining, extra)
    while remaining[-1:] == ["and"]:
        remaining.pop()
        result = _one(remaining, extra) and result
    return result


def _one(remaining: list[str], extra: str) -> bool:
    if remaining[-1:] == ["("]:
        remaining.pop()
        result = _any(remaining, extra)
        if not remaining or remaining.pop() != ")":
            raise ValueError("a parenthesis is not closed in the marker")
        return result
    if len(remaining) < 3:
        raise ValueError("the marker ends too early")
    left, operator, right = remaining.pop(), remaining.pop(), remaining.pop()
    is_extra = "extra" in (left, right)
    return _compare(_value(left, extra, is_extra), operator, _value(right, extra, is_extra))


def _value(token: str, extra: str, normalized: bool) -> str:
    if token == "extra":
        text = extra
    elif token[0] in "'\"":
        text = token[1:-1]
    elif token in _VARIABLES:
        text = _VARIABLES[token]()
    else:
        raise ValueError(f"unknown variable {token!r} in the marker")
    return re.sub(r"[-_.]+", "-", text).lower() if normalized else text


def _compare(left: str, operator: str, right: str) -> bool:
    if operator == "in":
        return left in right
    if operator == "not in":
        return left not in right
    try:
        return VersionSpecifier(operator + right).contains(left)
    except ValueError:
        compare = _OF_TEXT.get(operator)
        if compare is None:
            raise ValueError(f"{operator!r} does not compare {left!r} and {right!r}") from None
        return compare(left, right)


def _platform(name: str) -> str:
    # Imported when a marker asks: most do not, and it takes others with it.
    import platform

    value: str = getattr(platform, name)()
    return value


_OF_TEXT: dict[str, Callable[[str, str], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
_VARIABLES: dict[str, Callable[[], str]] = {
    "implementation_name": lambda: sys.implementation.name,
    "implementation_version": lambda: _platform("python_version"),
    "os_name": lambda: os.name,
    "platform_machine": lambda: _platform("machine"),
    "platform_python_implementation": lambda: _platform("python_implementation"),
    "platform_release": lambda: _platform("release"),
    "platform_system": lambda: _platform("system"),
    "platform_version": lambda: _platform("version"),
    "python_full_version": lambda: _platform("python_version"),
    "python_version": lambda: ".".join(map(str, sys.version_info[:2])),
    "sys_platform": lambda: sys.platform,
}
