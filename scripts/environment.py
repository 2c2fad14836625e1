"""Writes docs/environment.md from the engine's list of variables; with --check, says whether it is up to date."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "crates/ferrotel/src/config/env_vars.rs"
DOCUMENT = ROOT / "docs/environment.md"

_HEAD = """\
# Environment variables

Made from `crates/ferrotel/src/config/env_vars.rs` by `make docs`: change that file.

A value that cannot be read is reported once and its default applies. An empty value counts as not set.
`python -m ferrotel doctor` shows what is set and names that look mistyped.
"""

_VARIABLE = re.compile(r'^(?P<name>[A-Z][A-Z0-9_]+)(?: = "(?P<default>[^"]*)")?;$')


def main(arguments: list[str]) -> int:
    text = _document()
    if arguments != ["--check"]:
        DOCUMENT.write_text(text)
        return 0
    if DOCUMENT.exists() and DOCUMENT.read_text() == text:
        return 0
    print(f"{DOCUMENT.relative_to(ROOT)} is out of date: run make docs", file=sys.stderr)
    return 1


def _document() -> str:
    titles = dict(re.findall(r'Section::(\w+) => "([^"]+)"', SOURCE.read_text()))
    lines = [_HEAD]
    for section, variables in _sections():
        lines += [f"## {titles[section]}", "", "| Variable | Default | |", "|---|---|---|"]
        lines += [f"| `{name}` | {f'`{default}`' if default else ''} | {doc} |" for name, default, doc in variables]
        lines.append("")
    return "\n".join(lines)


def _sections() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """What stands in the `env_vars! { Section { /// doc NAME = "default"; ... } ... }` invocation."""
    body = SOURCE.read_text().split("\nenv_vars! {\n", 1)[1].split("\n}\n", 1)[0]
    section, doc, variables = "", "", []
    for line in (line.strip() for line in body.splitlines()):
        variable = _VARIABLE.match(line)
        if line.startswith("///"):
            doc = line[3:].strip()
        elif variable:
            variables.append((variable["name"], variable["default"] or "", doc))
        elif line.endswith("{"):
            section, variables = line[:-1].strip(), []
        elif line == "}":
            yield section, variables
        elif line:
            raise SystemExit(f"{SOURCE.relative_to(ROOT)}: line not understood: {line}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
