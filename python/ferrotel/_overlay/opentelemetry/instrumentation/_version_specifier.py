"""Versions and version specifiers, as PEP 440 defines them: does an installed release fit `>=1.0, <2`?

The package `packaging` knows this too, but ferrotel needs no other package.
"""

from __future__ import annotations

import re
from typing import Any

_VERSION = re.compile(
    r"""\s*v?(?:(?P<epoch>\d+)!)?(?P<release>\d+(?:\.\d+)*)
    (?:[-_.]?(?P<pre_kind>alpha|a|beta|b|preview|pre|c|rc)[-_.]?(?P<pre>\d*))?
    (?P<post>-(?P<post_short>\d+)|[-_.]?(?:post|rev|r)[-_.]?(?P<post_long>\d*))?
    (?P<dev>[-_.]?dev[-_.]?(?P<dev_number>\d*))?
    (?:\+(?P<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_SPECIFIER = re.compile(r"\s*(~=|===|==|!=|<=|>=|<|>)\s*([^\s,;()]+)\s*")
_PRE_KINDS = {"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}

# What is absent sorts before or after everything that is there.
_BEFORE: Any = (-1,)
_AFTER: Any = (1,)


class Version:
    """One version. Raises ValueError for text that is none."""

    def __init__(self, text: str) -> None:
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"Invalid version: {text!r}")
        self.epoch = int(match["epoch"] or 0)
        self.release = tuple(map(int, match["release"].split(".")))
        kind = (match["pre_kind"] or "").lower()
        self.pre = (_PRE_KINDS.get(kind, kind), int(match["pre"] or 0)) if kind else None
        self.post = int(match["post_short"] or match["post_long"] or 0) if match["post"] else None
        self.dev = int(match["dev_number"] or 0) if match["dev"] else None
        self.local = re.split(r"[-_.]", match["local"].lower()) if match["local"] else None

    @property
    def is_prerelease(self) -> bool:
        return self.pre is not None or self.dev is not None

    def key(self, local: bool = True) -> Any:
        """What versions are ordered by. Zeros at the end of a release mean nothing."""
        release = self.release
        while len(release) > 1 and release[-1] == 0:
            release = release[:-1]
        if self.pre is not None:
            pre: Any = (0, self.pre)
        else:
            # 1.0.dev1 stands before 1.0a1, 1.0 after it.
            pre = _BEFORE if self.post is None and self.dev is not None else _AFTER
        return (
            self.epoch,
            release,
            pre,
            _BEFORE if self.post is None else (0, self.post),
            _AFTER if self.dev is None else (0, self.dev),
            # Numbers stand after words.
            [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in self.local]
            if local and self.local
            else [],
        )


class VersionSpecifier:
    """A set of conditions such as `>=1.0, <2`. Raises ValueError for text that is none."""

    def __init__(self, text: str) -> None:
        self._conditions = []
        for part in filter(str.strip, text.split(",")):
            match = _SPECIFIER.fullmatch(part)
            if match is None:
                raise ValueError(f"Invalid specifier: {part.strip()!r}")
            operator, version = match.groups()
            if operator != "===":
                prefix = operator in ("==", "!=") and version.endswith(".*")
                read = Version(version[:-2] if prefix else version)
                if operator == "~=" and len(read.release) == 1:
                    raise ValueError(f"Invalid specifier: {part.strip()!r} names no series of releases")
            self._conditions.append((operator, version))

    def __str__(self) -> str:
        return ",".join(sorted(operator + version for operator, version in self._conditions))

    def contains(self, version: str) -> bool:
        """Does a version fit all conditions? A pre-release does like any other: it is installed on purpose."""
        return all(_fits(version, operator, wanted) for operator, wanted in self._conditions)


def _fits(text: str, operator: str, wanted: str) -> bool:
    if operator == "===":
        return text.lower() == wanted.lower()
    try:
        version = Version(text)
    except ValueError:
        return False
    if operator in ("==", "!="):
        return _equals(version, wanted) == (operator == "==")
    if operator == "~=":
        first = Version(wanted)
        series = (version.release + (0,) * len(first.release))[: len(first.release) - 1]
        in_series = version.epoch == first.epoch and series == first.release[:-1]
        return in_series and _fits(text, ">=", wanted)
    other = Version(wanted)
    ours, theirs = version.key(local=False), other.key(local=False)
    if operator == ">=":
        return bool(ours >= theirs)
    if operator == "<=":
        return bool(ours <= theirs)
    if operator == "<":
        # `<3` does not mean the pre-releases of 3, of which 3.dev0 is the first.
        if not other.is_prerelease:
            other.dev = 0
        return bool(ours < other.key(local=False))
    # `>1.0` does not mean the post-releases of 1.0.
    return bool(ours > theirs) and not (version.post is not None and _without_post(version) == theirs)


def _equals(version: Version, wanted: str) -> bool:
    if wanted.endswith(".*"):
        prefix = Version(wanted[:-2])
        length = len(prefix.release)
        release = (version.release + (0,) * length)[:length]
        return version.epoch == prefix.epoch and release == prefix.release
    other = Version(wanted)
    return bool(version.key(local=other.local is not None) == other.key())


def _without_post(version: Version) -> Any:
    epoch, release, pre, _, _, _ = version.key()
    return (epoch, release, pre, _BEFORE, _AFTER, [])
