"""What the suites are expected to give: the tests that pass, and those that rightly do not."""

from __future__ import annotations

from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # before CPython 3.11
    import tomli as tomllib

HERE = Path(__file__).parent
PASSED_FILE = HERE / "passed.txt"
DIFFERENCES_FILE = HERE / "differences.toml"


def read_passed(path: Path = PASSED_FILE) -> set[str]:
    """The recorded tests: a line names a file of a suite, the indented lines beneath it its tests that pass."""
    passed, file = set(), ""
    for line in path.read_text().splitlines() if path.is_file() else ():
        if line.startswith(" "):
            passed.add(f"{file}::{line.strip()}")
        elif line and not line.startswith("#"):
            file = line
    return passed


def write_passed(passed: set[str], path: Path = PASSED_FILE) -> None:
    lines = [
        "# The tests of the reference's suites that pass on ferrotel.",
        "# `make conformance CONFORMANCE_ARGS=--record` writes this file.",
    ]
    file = ""
    # Sorted by file first: a file's name may begin another's.
    for test in sorted(passed, key=lambda test: test.split("::", 1)):
        name, _, rest = test.partition("::")
        if name != file:
            lines.append(name)
            file = name
        lines.append(f"  {rest}")
    path.write_text("\n".join(lines) + "\n")


def read_open_parts(path: Path = DIFFERENCES_FILE) -> tuple[str, ...]:
    """How the names of tests begin that stand for parts which are not built yet."""
    return tuple(entry["tests"] for entry in tomllib.loads(path.read_text()).get("open", ()))


def read_timed_tests(path: Path = DIFFERENCES_FILE) -> set[str]:
    """The tests that a busy machine alone can make fail."""
    return {test for entry in tomllib.loads(path.read_text()).get("timed", ()) for test in entry["tests"]}


def read_differences(path: Path = DIFFERENCES_FILE) -> dict[str, str]:
    """The tests that ferrotel rightly fails, each with its reason."""
    differences: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text()).get("difference", ()):
        for test in entry["tests"]:
            if test in differences:
                raise ValueError(f"{test} is listed twice in {path.name}")
            differences[test] = entry["reason"]
    return differences
