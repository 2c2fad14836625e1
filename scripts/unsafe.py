"""Checks that docs/unsafe.md lists every file with `unsafe` in it, and no other; without --check also counts."""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/unsafe.md"


def main() -> int:
    found = _found()
    listed = _listed()
    if "--check" not in sys.argv[1:]:
        for name in sorted(found):
            print(f"{found[name]:4} {name}")
        print(f"{sum(found.values()):4} in {len(found)} files")
    for name in sorted(found.keys() - listed):
        print(f"{name} has `unsafe`: say why in a line of {PAGE.relative_to(ROOT)}", file=sys.stderr)
    for name in sorted(listed - found.keys()):
        print(f"{PAGE.relative_to(ROOT)} lists {name}, which has no `unsafe`", file=sys.stderr)
    return 0 if listed == found.keys() else 1


def _found() -> dict[str, int]:
    """How often each of the crates' sources says it, outside of comments and texts."""
    counts = {}
    for path in sorted(ROOT.glob("crates/*/src/**/*.rs")):
        code = re.sub(r"//[^\n]*|\"(?:\\.|[^\"\\])*\"", "", path.read_text())
        count = len(re.findall(r"\bunsafe\b", code))
        if count:
            counts[str(path.relative_to(ROOT))] = count
    return counts


def _listed() -> set[str]:
    """The files of the page's tables; a line without a reason lists none."""
    return set(re.findall(r"^\| `([^`]+\.rs)` \| \S.* \|$", PAGE.read_text(), re.MULTILINE))


if __name__ == "__main__":
    sys.exit(main())
