"""Runs a Python program under Valgrind's memcheck; fails when an error has a frame of the native module in it.

Usage: memcheck.py PYTHON PROGRAM [ARGUMENT...]. The reports are kept in build/memcheck/.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build/memcheck"

#: Python's own allocator would hide what is wrong inside of its blocks.
ENVIRONMENT = {"PYTHONMALLOC": "malloc", "PYTHONDONTWRITEBYTECODE": "1"}
OPTIONS = (
    *("--tool=memcheck", "--xml=yes", f"--xml-file={HOME}/%p.xml", "--num-callers=40", "--error-limit=no"),
    *("--track-origins=yes", "--leak-check=full", "--show-leak-kinds=definite"),
)

_OFTEN = 10


def main() -> int:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("valgrind is missing. Install it, for example: apt-get install valgrind", file=sys.stderr)
        return 1
    shutil.rmtree(str(HOME), ignore_errors=True)
    HOME.mkdir(parents=True)
    command = [valgrind, *OPTIONS, *sys.argv[1:]]
    done = subprocess.run(command, env={**os.environ, **ENVIRONMENT})
    reports = sorted(HOME.glob("*.xml"))
    ours = others = 0
    for report in reports:
        for error in _errors(report):
            if _is_ours(error):
                ours += 1
                _show(error)
            else:
                others += 1
    print(f"{len(reports)} processes, {ours} errors of the native module, {others} without")
    if done.returncode != 0:
        print(f"the program ended with status {done.returncode}", file=sys.stderr)
    return 1 if ours or done.returncode or not reports else 0


def _errors(report: Path) -> list[ElementTree.Element]:
    text = report.read_text(errors="replace")
    # A process that a signal ends leaves its report open.
    if "</valgrindoutput>" not in text:
        text = text[: text.rfind("</error>") + len("</error>")] if "</error>" in text else "<valgrindoutput>"
        text += "</valgrindoutput>"
    return list(ElementTree.fromstring(text).iter("error"))


def _is_ours(error: ElementTree.Element) -> bool:
    stacks = error.findall("stack")
    if not any("ferrotel/_native" in (frame.findtext("obj") or "") for frame in stacks[0].iter("frame")):
        return False
    kind = error.findtext("kind") or ""
    if kind.startswith("Leak_"):
        # What is lost for every span or measurement is lost often. A type's definition lives as long as the process,
        # and is only reachable through pointers into its middle.
        return kind == "Leak_DefinitelyLost" and int(error.findtext("xwhat/leakedblocks") or 0) >= _OFTEN
    # CPython multiplies the first digit of an int by its number of digits. A zero has none, and counts as undefined
    # from then on, wherever it goes.
    origin = [frame.findtext("fn") for frame in stacks[-1].iter("frame")][:4] if len(stacks) > 1 else []
    return "_PyLong_New" not in origin


def _show(error: ElementTree.Element) -> None:
    print(f"\n{error.findtext('kind')}: {error.findtext('what') or error.findtext('xwhat/text')}", file=sys.stderr)
    for frame in list(error.iter("frame"))[:25]:
        place = (
            f"{frame.findtext('file')}:{frame.findtext('line')}" if frame.findtext("file") else frame.findtext("obj")
        )
        print(f"    {frame.findtext('fn') or '?'} ({place})", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
