"""`make stress`: what `make test` runs for a moment, for minutes, and a table of what was seen."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any, Iterator

from .running import complaints, leaks, run, words

MILLION = 1_000_000
#: What, how often, and by how many bytes the process's memory may grow in all of it.
LEAKS = (
    ("spans", 10 * MILLION, 8 << 20),
    ("spans with everything", MILLION, 8 << 20),
    ("spans with Python processors", MILLION // 10, 8 << 20),
    ("exceptions", MILLION, 8 << 20),
    ("contexts", MILLION, 8 << 20),
    ("propagation", MILLION, 8 << 20),
    ("measurements", MILLION, 8 << 20),
    ("collections", MILLION, 8 << 20),
    ("log records", MILLION, 8 << 20),
    ("providers", MILLION // 2, 16 << 20),
)
HEADER = ("What", "How much", "Seconds", "Seen", "Wrong")


def main() -> int:
    parser = argparse.ArgumentParser(prog="stress", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="how long each random program runs")
    parser.add_argument("--share", type=float, default=1.0, help="of the counts of what must leave nothing behind")
    parser.add_argument("--only", help="what holds this text")
    arguments = parser.parse_args()
    rows = [HEADER]
    for row in _rows(arguments.seconds, arguments.share, arguments.only or ""):
        print("stress:", " | ".join(row), file=sys.stderr, flush=True)
        rows.append(row)
    print(_table(rows))
    return int(any(row[4] != "-" for row in rows[1:]))


def _rows(seconds: float, share: float, only: str) -> Iterator[tuple[str, str, str, str, str]]:
    for pipeline in ("native", "python"):
        for seed in ("1", "2", "3"):
            name = f"64 threads at random, {pipeline}"
            if only in name:
                yield _random(name, ["threads.py", pipeline, "64", str(seconds), seed], seconds)
        for how in ("signals", "finalizers", "collector"):
            name = f"telemetry inside of telemetry by {how}, {pipeline}"
            if only in name:
                yield _random(name, ["reentry.py", how, pipeline, str(seconds)], seconds)
    for what, count, resident in LEAKS:
        if only in what:
            yield _leaving(what, int(count * share), resident)


def _random(name: str, command: list[str], seconds: float) -> tuple[str, str, str, str, str]:
    start = time.monotonic()
    try:
        result = run(*command, patience=seconds * 5 + 200)
    except Exception as error:
        return name, "-", f"{time.monotonic() - start:.0f}", "-", str(error)
    amount = f"{result['spans']:,} spans, {result['adds']:,} additions, {result['records']:,} records"
    more = ("intrusions", "made_anew", "flushes", "collections", "handed_over")
    seen = words([f"{result[key]:,} {key.replace('_', ' ')}" for key in more if key in result])
    return name, amount, f"{time.monotonic() - start:.0f}", seen, words(list(complaints(result)))


def _leaving(what: str, count: int, resident: int) -> tuple[str, str, str, str, str]:
    try:
        result: dict[str, Any] = run("leaks.py", what, str(count), patience=600 + count / 500)
    except Exception as error:
        return what, "-", "-", "-", str(error)
    objects = sum(result["objects"].values())
    seen = (
        f"{objects:+,} objects, {result['blocks']:+,} blocks, {result['resident'] / 1024:+,.0f} KiB, "
        f"{result['threads']:+} threads, {result['files']:+} files"
    )
    wrong = words(list(leaks(result, blocks=0.002 if what != "providers" else 20, resident=resident)))
    return what, f"{result['count']:,}", f"{result['seconds']:.0f}", seen, wrong


def _table(rows: list[tuple[str, str, str, str, str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


if __name__ == "__main__":
    sys.exit(main())
