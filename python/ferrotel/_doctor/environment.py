"""What the environment configures: each OTEL_ variable that is set, mistyped names, values that name nothing."""

from __future__ import annotations

import difflib
import importlib
import re
from importlib.metadata import EntryPoint, distributions
from typing import Iterator, Mapping, TextIO

from ferrotel._doctor.findings import Findings
from ferrotel._secrets import shown_url

_PREFIXES = ("OTEL_", "FERROTEL_")

#: Instrumentations read variables that are named after themselves, so the family is open.
_OPEN_FAMILIES = ("OTEL_PYTHON_", "OTEL_INSTRUMENTATION_")

#: Which entry point group the names in a variable's value come from.
_NAMES_IN = {
    "OTEL_PROPAGATORS": "opentelemetry_propagator",
    "OTEL_TRACES_EXPORTER": "opentelemetry_traces_exporter",
    "OTEL_TRACES_SAMPLER": "opentelemetry_traces_sampler",
    "OTEL_PYTHON_ID_GENERATOR": "opentelemetry_id_generator",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "opentelemetry_resource_detector",
}

#: Declared by modules that are there even when the distribution's metadata is not.
_ALWAYS = ("opentelemetry.environment_variables", "opentelemetry.sdk.environment_variables")

_SECRET_NAME = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")
_HEADER_NAME = re.compile(r"[\w.-]+")

_ANYWHERE = {"none", "*"}


def report(environ: Mapping[str, str], findings: Findings, out: TextIO) -> None:
    """Write the variables that are set, secrets hidden; add what looks wrong to `findings`."""
    names = sorted(name for name in environ if name.startswith(_PREFIXES))
    known = known_names()
    out.write("\nEnvironment\n")
    for name in names:
        out.write(f"  {name}={shown(name, environ[name])}\n")
        if name not in known:
            _unknown(name, known, findings)
        elif name in _NAMES_IN:
            _unknown_values(name, environ[name], findings)
    if not names:
        out.write("  no OTEL_ variable is set: defaults apply\n")


def known_names() -> set[str]:
    """Every variable that a module of the entry point group opentelemetry_environment_variables declares."""
    known = {
        "FERROTEL_DISABLED",
        "FERROTEL_EXIT_TIMEOUT",
        "FERROTEL_SIGTERM_TIMEOUT",
        "FERROTEL_SPOOL_DIR",
        "FERROTEL_SPOOL_MAX_BYTES",
    }
    declared = {entry_point.value for entry_point in _entry_points("opentelemetry_environment_variables")}
    for name in sorted(declared.union(_ALWAYS)):
        try:
            module = importlib.import_module(name)
        except Exception:
            # Another distribution's module: whatever is wrong there, its names are merely unknown.
            continue
        known.update(value for value in vars(module).values() if isinstance(value, str) and value.startswith(_PREFIXES))
    return known


def shown(name: str, value: str) -> str:
    """The value as it may be pasted into a bug report: without header values and passwords."""
    if "HEADER" in name:
        return ",".join(_header_shown(pair) for pair in value.split(","))
    # The names of a file and of an entry point are none.
    if _SECRET_NAME.search(name) and not name.endswith(("_CLIENT_KEY", "_CREDENTIAL_PROVIDER")):
        return "***"
    if "ENDPOINT" in name or "://" in value:
        return shown_url(value)
    return value


def _header_shown(pair: str) -> str:
    # Of a mistake such as `authorization: Bearer abc=` no more than the name.
    name = _HEADER_NAME.match(pair)
    return f"{name.group()}=***" if name and "=" in pair else "***"


def _unknown(name: str, known: set[str], findings: Findings) -> None:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.85)
    if close:
        findings.note(f"{name} is not a variable that anything here reads. Is {close[0]} meant?")
    elif not name.startswith(_OPEN_FAMILIES):
        findings.note(f"{name} is not a variable that anything here reads.")


def _unknown_values(name: str, value: str, findings: Findings) -> None:
    group = _NAMES_IN[name]
    available = {entry_point.name for entry_point in _entry_points(group)}
    for item in (item.strip() for item in value.split(",")):
        # The specification reads sampler names in any case.
        if item and item not in _ANYWHERE and item not in available and item.lower() not in available:
            findings.problem(f"{name}: there is no {item!r}. There are: {', '.join(sorted(available))}.")


def _entry_points(group: str) -> Iterator[EntryPoint]:
    # importlib.metadata.entry_points(group=...) is younger than the oldest Python here.
    for distribution in distributions():
        for entry_point in distribution.entry_points:
            if entry_point.group == group:
                yield entry_point
