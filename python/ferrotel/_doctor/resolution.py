"""Which implementation each `opentelemetry` name resolves to, and what that leaves unused underneath.

Nothing of either implementation is imported to find out: `opentelemetry` and the folders between it and the real
modules are namespace packages, which hold no code.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from importlib.metadata import distributions
from typing import Iterator, TextIO

from ferrotel._activate import OVERLAY, disabled
from ferrotel._doctor.findings import Findings

_ROOT = "opentelemetry"


class Module:
    """One importable name: the file it resolves to, and every portion of the namespace that has it."""

    def __init__(self, name: str, origin: str | None, candidates: list[str]) -> None:
        self.name = name
        self.origin = origin
        self.candidates = candidates

    @property
    def is_ours(self) -> bool:
        return self.origin is not None and _within_overlay(self.origin)

    @property
    def overlay_has_it(self) -> bool:
        return any(_within_overlay(candidate) for candidate in self.candidates)


def report(findings: Findings, out: TextIO) -> None:
    """Write the table of names and what is shadowed; add what is wrong to `findings`."""
    _native_module(findings, out)
    owners = _owners()
    root = PathFinder.find_spec(_ROOT)
    if root is not None and root.origin not in (None, "namespace"):
        findings.problem(
            f"{root.origin} makes {_ROOT} a regular package, which hides the namespace that ferrotel shares with the "
            f"official packages. It belongs to {_owner(root.origin, owners)}: upgrade or remove that."
        )
        return

    modules = sorted(_modules(), key=lambda module: module.name)
    out.write(f"\nImports (<overlay> is {OVERLAY})\n")
    _table([(module.name, _owner(module.origin, owners), _place(module.origin)) for module in modules], out)
    if not modules:
        out.write("  no opentelemetry module can be imported\n")

    _shadowed(modules, owners, out)
    lost = [module for module in modules if module.overlay_has_it and not module.is_ours]
    if lost and not disabled():
        findings.problem(_why_lost(lost, owners))


def _why_lost(lost: list[Module], owners: dict[str, str]) -> str:
    names = ", ".join(module.name for module in lost[:3]) + (f" and {len(lost) - 3} more" if len(lost) > 3 else "")
    found = f"{names}: found in {_owner(lost[0].origin, owners)}, not in ferrotel. "
    if OVERLAY in sys.path:
        return found + f"{lost[0].origin} stands before ferrotel's overlay on sys.path, or in a regular package."
    return (
        found + "The overlay is not on sys.path, because no .pth file is processed in the folder where ferrotel lies: "
        "call ferrotel.activate() before the first import of opentelemetry."
    )


def _native_module(findings: Findings, out: TextIO) -> None:
    try:
        from ferrotel import _native
    except Exception as error:
        # Whatever a broken build raises: the rest of the report is then all the more wanted.
        findings.problem(str(error))
        return
    out.write(f"  {_native.__file__}\n")


def _modules() -> Iterator[Module]:
    entries = sys.path if OVERLAY in sys.path else [*sys.path, OVERLAY]
    pending = [(_ROOT, [os.path.join(entry or os.getcwd(), _ROOT) for entry in entries])]
    while pending:
        package, folders = pending.pop(0)
        found: dict[str, list[str]] = {}
        for folder in folders:
            for name, path in _entries(folder):
                found.setdefault(name, []).append(path)
        for name in sorted(found):
            full_name = f"{package}.{name}"
            if all(os.path.isdir(path) for path in found[name]):
                pending.append((full_name, found[name]))
                continue
            yield Module(full_name, _origin(full_name), found[name])


def _origin(name: str) -> str | None:
    try:
        spec = importlib.util.find_spec(name)
    except ImportError:
        # Its parent is not to be found.
        return None
    return spec.origin if spec else None


def _entries(folder: str) -> Iterator[tuple[str, str]]:
    """Names in one portion: a module's or regular package's file, or the folder of a nested namespace package."""
    try:
        entries = sorted(os.listdir(folder))
    except OSError:
        return
    for entry in entries:
        path = os.path.join(folder, entry)
        name, extension = os.path.splitext(entry)
        init = os.path.join(path, "__init__.py")
        if os.path.isfile(init):
            yield entry, init
        elif extension == ".py":
            yield name, path
        elif entry.isidentifier() and entry != "__pycache__" and os.path.isdir(path):
            yield entry, path


def _table(rows: list[tuple[str, str, str]], out: TextIO) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(2)] if rows else []
    for name, owner, place in rows:
        out.write(f"  {name:<{widths[0]}}  {owner:<{widths[1]}}  {place}\n")


def _place(path: str | None) -> str:
    if path is None:
        return "nowhere"
    if _within_overlay(path):
        return os.path.join("<overlay>", os.path.relpath(path, OVERLAY))
    return path


def _shadowed(modules: list[Module], owners: dict[str, str], out: TextIO) -> None:
    shadowed: dict[str, int] = {}
    in_use: dict[str, list[str]] = {}
    for module in modules:
        for candidate in module.candidates:
            owner = _owner(candidate, owners)
            if candidate == module.origin:
                in_use.setdefault(owner, []).append(module.name)
            elif not os.path.isdir(candidate):
                shadowed[owner] = shadowed.get(owner, 0) + 1
    out.write("\nShadowed (installed, and not what an import gives)\n")
    for owner in sorted(shadowed):
        rest = in_use.get(owner, [])
        out.write(f"  {owner}" + (f"; still its own: {', '.join(rest)}\n" if rest else "\n"))
    if not shadowed:
        out.write("  nothing\n")


def _owners() -> dict[str, str]:
    """Every installed file under `opentelemetry/`, and the name and version of its distribution."""
    owners = {}
    for distribution in distributions():
        for file in distribution.files or ():
            if file.parts[:1] == (_ROOT,):
                label = f"{distribution.metadata['Name']} {distribution.version}"
                owners[_canonical(str(distribution.locate_file(file)))] = label
    return owners


def _owner(path: str | None, owners: dict[str, str]) -> str:
    if path is None:
        return "nothing"
    if _within_overlay(path):
        return "ferrotel"
    return owners.get(_canonical(path), "no installed distribution")


def _within_overlay(path: str) -> bool:
    return _canonical(path).startswith(_canonical(OVERLAY) + os.sep)


def _canonical(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))
