"""Runs a program of `programs/`, with collectors to send to, and says what is wrong with what it reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Sequence

from ferrotel import _native

PROGRAMS = Path(__file__).resolve().parent / "programs"

#: What a program that looks twice has more of the second time: what it looks with.
OWN_OBJECTS = {"Counter", "Look"}


def run(program: str, *arguments: str, patience: float) -> dict[str, Any]:
    """What the program reports, and what arrived. Raises where it ended in another way than by itself."""
    with _native.ViewServer(max_spans=10, max_logs=10) as steady, _native.ViewServer(
        max_spans=10, max_logs=10
    ) as other:
        environ = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": steady.http_endpoint,
            "STRESS_FLEETING": other.http_endpoint,
        }
        ran = subprocess.run(
            [sys.executable, program, *arguments],
            cwd=str(PROGRAMS),
            env=environ,
            capture_output=True,
            text=True,
            timeout=patience,
        )
        if ran.returncode != 0:
            raise AssertionError(f"{program} {' '.join(arguments)}: ended with {ran.returncode}\n{ran.stderr[-5000:]}")
        result: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
        result["received"] = steady.counts()
        result["stderr"] = ran.stderr
        return result


def complaints(result: dict[str, Any]) -> Iterator[str]:
    """What is wrong with a program that counts what it did."""
    received = result["received"]
    if result["stderr"]:
        yield f"it wrote {result['stderr'][-2000:]}"
    if not result["flushed"]:
        yield "it could not flush"
    for what, made, arrived in (
        ("spans", result["spans"], received["received_spans"]),
        ("log records", result["records"], received["received_logs"]),
        ("additions", result["adds"], result["counted"]),
    ):
        if made != arrived:
            yield f"of {made} {what} {arrived} arrived"
    if result["python"] not in (None, result["spans"]):
        yield f"of {result['spans']} spans {result['python']} reached an exporter in Python"
    yield from result.get("errors", ())


def leaks(result: dict[str, Any], blocks: float, resident: int) -> Iterator[str]:
    """What is left behind: more than `blocks` of memory for each time, or more than `resident` bytes in all."""
    objects = {name: n for name, n in result["objects"].items() if name not in OWN_OBJECTS and n > 20}
    if objects:
        yield f"{result['what']}: objects are left: {objects}"
    # What is looked with takes some itself, and what is kept for reuse comes and goes.
    if result["blocks"] > 1000 + blocks * result["count"]:
        yield f"{result['what']}: {result['blocks']} blocks are left after {result['count']} times"
    if result["resident"] > resident:
        yield f"{result['what']}: memory grew by {result['resident']} bytes in {result['count']} times"
    for name in ("threads", "files"):
        if result[name] > 0:
            yield f"{result['what']}: {result[name]} {name} are left"


def words(texts: Sequence[str]) -> str:
    return "; ".join(texts) or "-"
