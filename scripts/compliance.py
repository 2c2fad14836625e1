"""Writes docs/compliance.md from tests/conformance/compliance.toml; with --check, says whether it is up to date.

Either way, every test that the file names must be there.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator

try:
    import tomllib
except ImportError:  # Python before 3.11
    import tomli as tomllib  # type: ignore[import-not-found,no-redef]

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "tests/conformance/compliance.toml"
DOCUMENT = ROOT / "docs/compliance.md"
OTHERS = ("Python", "Go", "Java")

_HEAD = """\
# Compliance with the specification

Made from `tests/conformance/compliance.toml` by `make docs`: change that file.

The rows are those of the OpenTelemetry specification's [compliance matrix][matrix], and so are the columns Python, Go
and Java; all are of August 2026. In them `+` is supported, `-` is not, N/A does not apply, and nothing is not known. A
`+` of ferrotel names the tests that show it: a row that no test shows is `-`. X marks optional features, `*` those of
which one is required.

[matrix]: https://github.com/open-telemetry/opentelemetry-specification/blob/main/spec-compliance-matrix.md
"""


def main(arguments: list[str]) -> int:
    sections = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["section"]
    wrong = list(_wrong(sections))
    if wrong:
        print(*wrong, sep="\n", file=sys.stderr)
        return 1
    text = _document(sections)
    if arguments != ["--check"]:
        DOCUMENT.write_text(text, encoding="utf-8")
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text(encoding="utf-8") == text:
        return 0
    print(f"{DOCUMENT.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
    return 1


def _wrong(sections: list[dict[str, Any]]) -> Iterator[str]:
    """What the file says that is not so."""
    for section in sections:
        for row in section["row"]:
            for test in row.get("tests", ()):
                if not _is_there(test):
                    yield f"{SOURCE.relative_to(ROOT)}: no test {test} (of {section['name']}: {row['feature']})"


def _is_there(test: str) -> bool:
    """Whether `path::name` is a test function of that Python or Rust file."""
    path, _, name = test.partition("::")
    return name in _tests(path)


@lru_cache(maxsize=None)
def _tests(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".py":
        return frozenset(re.findall(r"^ *(?:async )?def (test_\w+)\(", text, re.MULTILINE))
    # A property test has its #[test] inside of proptest!; other attributes may stand between it and the function.
    return frozenset(re.findall(r"#\[test\]\s+(?:#\[[^\n]*\]\s+)*fn (\w+)\(", text))


def _document(sections: list[dict[str, Any]]) -> str:
    lines = [_HEAD, "| Section | Rows | ferrotel | " + " | ".join(OTHERS) + " |", "|---|--:|--:|--:|--:|--:|"]
    rows = [row for section in sections for row in section["row"]]
    lines += [_totals(section["name"], section["row"]) for section in sections]
    lines += [_totals("**All**", rows), ""]
    for section in sections:
        lines += [f"## {section['name']}", "", f"| Feature | | ferrotel | {' | '.join(OTHERS)} | Shown by |"]
        lines.append("|---|---|---|---|---|---|---|")
        group = ""
        for row in section["row"]:
            if row.get("group", "") != group:
                group = row["group"]
                lines.append(f"| **{group}** | | | | | | |")
            lines.append(_row(row))
        lines.append("")
    return "\n".join(lines)


def _totals(name: str, rows: list[dict[str, Any]]) -> str:
    ours = sum("tests" in row for row in rows)
    others = [sum(row[language.lower()] == "+" for row in rows) for language in OTHERS]
    return f"| {name} | {len(rows)} | {ours} | " + " | ".join(map(str, others)) + " |"


def _row(row: dict[str, Any]) -> str:
    tests = ["`" + re.sub(r"^tests/python/|^crates/", "", test) + "`" for test in row.get("tests", ())]
    shown = "; ".join(part for part in (", ".join(tests), row.get("note", "")) if part)
    marks = ["+" if tests else "-", *(row[language.lower()] for language in OTHERS)]
    return f"| {row['feature']} | {row.get('optional', '')} | " + " | ".join(marks) + f" | {shown} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
