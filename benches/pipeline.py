"""The whole pipeline: spans with four attributes, from `start_as_current_span` to a receiver's count of them.

python benches/pipeline.py [--python PYTHON] [--seconds 10] [--rounds 1] [--check]

Each contender is a process (`pipeline_worker.py`) with default settings; a receiver in Rust (`rust/src/bin/sink.rs`)
counts what arrives. They take turns: one and four threads that make spans as fast as they can, and one thread that
makes them at a pace. CPU time is that of the whole process, user and system, until all that it queued is delivered.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Sequence

import contenders
from run import default_python, facts_of, save_as

TIMES_CHEAPER = 30.0
PACE = 2_000
# From one thread, with default settings.
FAST_PACE = 120_000
PACED_SECONDS = 5.0
PACED_TURNS = 3

Answer = dict[str, Any]


class Receiver:
    """Counts spans, in a process of its own."""

    def __init__(self, program: str) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.endpoint = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"

    def count(self) -> tuple[int, float]:
        """How many spans have come since the last time, and the seconds of CPU that they took."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        spans, nanoseconds = self._process.stdout.readline().split()
        return int(spans), int(nanoseconds) / 1e9

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class Contender:
    """A process that makes spans and sends them."""

    def __init__(self, name: str, python: str, exporter: str, receiver: Receiver) -> None:
        self.name = name
        self.exporter = exporter
        self._receiver = receiver
        worker = str(contenders.HERE / "pipeline_worker.py")
        self._process = subprocess.Popen(
            [python, worker, "--exporter", exporter, "--endpoint", receiver.endpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What it logs of dropped spans is what its figures say.
            stderr=subprocess.DEVNULL,
            text=True,
            env=contenders.ENVIRONMENT,
            cwd=contenders.HERE,
        )
        self._answer()

    def turn(self, how: str, number: int, seconds: float) -> Answer:
        """Its own figures, and what the receiver saw."""
        assert self._process.stdin is not None
        self._receiver.count()
        self._process.stdin.write(f"{how} {number} {seconds}\n")
        self._process.stdin.flush()
        answer = self._answer()
        spans, cpu = self._receiver.count()
        return {**answer, "delivered": spans, "receiver's cpu": cpu}

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)

    def _answer(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"benches: {self.name} ({self.exporter}) ended")
        answer: Answer = json.loads(line)
        return answer


class Case(NamedTuple):
    """What the contenders do in turns."""

    title: str
    how: str
    number: int
    exporters: Sequence[str]
    names: Sequence[str] = ("ferrotel", "official")
    turns: int = 1


CASES = (
    Case("1 thread, flat out", "flat", 1, ("grpc", "http")),
    Case("4 threads, flat out", "flat", 4, ("grpc", "http")),
    Case(f"1 thread, {FAST_PACE:,}/s", "paced", FAST_PACE, ("grpc", "http"), ("ferrotel",)),
    Case(f"1 thread, {PACE:,}/s", "paced", PACE, ("grpc", "http", "null"), turns=PACED_TURNS),
    Case("1 thread, no span", "paced", 0, ("null",), turns=PACED_TURNS),
)


def main() -> int:
    parser = argparse.ArgumentParser(description="spans from Python to a receiver, beside the official packages")
    parser.add_argument("--python", default="", help="the CPython to measure on (default: the one that runs this)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long spans are made flat out (default: 10)")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each contender (default: 1)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees, not a fresh wheel")
    parser.add_argument("--official-python", help="measure the official packages that this interpreter sees")
    parser.add_argument("--sink", help="the receiver's program, where it is built already")
    options = parser.parse_args()
    python = contenders.interpreter(options.python) if options.python else default_python()
    interpreters = {
        "ferrotel": contenders.interpreter(options.ferrotel_python or contenders.ferrotel_python(python)),
        "official": contenders.interpreter(options.official_python or contenders.official_python(python)),
    }
    receiver = Receiver(options.sink or contenders.rust_program("sink"))
    started = [
        Contender(name, interpreter, exporter, receiver)
        for exporter in ("grpc", "http", "null")
        for name, interpreter in interpreters.items()
    ]
    try:
        found = measure(started, options.rounds, options.seconds)
    finally:
        for contender in started:
            contender.close()
        receiver.close()
    facts = {
        **facts_of(interpreters["ferrotel"], interpreters["official"]),
        "rounds": options.rounds,
        "seconds": options.seconds,
    }
    print(table(found))
    print()
    print(LEGEND.format(**facts))
    ratios = cheaper(found)
    for title, ratio in ratios.items():
        print(f"{title}: {ratio:.1f} times less CPU for a delivered span")
    print("written:", save(found, ratios, facts))
    failed = list(missed(found, ratios))
    if failed:
        print("target missed:", "; ".join(failed))
    return 1 if failed and options.check else 0


Found = dict[str, dict[str, dict[str, list[Answer]]]]
"""By case, exporter and contender: a turn each."""


def measure(started: Sequence[Contender], rounds: int, seconds: float) -> Found:
    found: Found = {case.title: {exporter: {} for exporter in case.exporters} for case in CASES}
    for contender in started:
        # Warms up, and connects.
        contender.turn("paced", PACE, 0.5)
    for number in range(rounds):
        for case in CASES:
            for turn in range(case.turns):
                for contender in started if (number + turn) % 2 == 0 else reversed(started):
                    if contender.name not in case.names or contender.exporter not in case.exporters:
                        continue
                    print(f"\rbenches: {case.title}: {contender.name}, {contender.exporter} ", end="", file=sys.stderr)
                    answer = contender.turn(case.how, case.number, seconds if case.turns == 1 else PACED_SECONDS)
                    found[case.title][contender.exporter].setdefault(contender.name, []).append(answer)
    print(file=sys.stderr)
    return found


def figures(turns: list[Answer]) -> dict[str, float]:
    """The medians over the turns."""
    one_by_one = [
        {
            "made/s": turn["made"] / turn["making"],
            "delivered/s": turn["delivered"] / turn["delivering"],
            "delivered, %": 100 * turn["delivered"] / (turn["made"] or 1),
            "CPU, us": 1e6 * turn["cpu"] / (turn["delivered"] or turn["made"] or 1),
            "largest stall, ms": 1e3 * turn["largest stall"],
            "stall/1000, ms": 1e3 * turn["stalled"] / (turn["made"] / 1e3 or PACE * turn["making"] / 1e3),
            "grown, MiB": turn["grown"] / (1 << 20),
            "receiver, %": 100 * turn["receiver's cpu"] / turn["delivering"],
        }
        for turn in turns
    ]
    return {name: median(of[name] for of in one_by_one) for name in one_by_one[0]}


def table(found: Found) -> str:
    header = ["", "", "", *figures_of_nothing()]
    rows = [header]
    for case, of_case in found.items():
        for exporter, of_exporter in of_case.items():
            for name, turns in of_exporter.items():
                cells = [f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" for value in figures(turns).values()]
                rows.append([case, exporter, name, *cells])
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column < 3 else cell.rjust(width) for column, (cell, width) in enumerate(line))
        for line in ([*zip(row, widths)] for row in rows)
    )


def figures_of_nothing() -> list[str]:
    zero = dict.fromkeys(("made", "delivered", "cpu", "largest stall", "stalled", "grown", "receiver's cpu"), 0)
    return list(figures([{**zero, "making": 1, "delivering": 1}]))


LEGEND = """\
Python {python}; {processor}, {cores} cores; ferrotel {ferrotel}, opentelemetry-sdk {official}.
TracerProvider and BatchSpanProcessor with default settings (a queue of 2,048, batches of 512), OTLP to a local receiver
that only counts. made/s, delivered/s: spans a second. CPU: of the whole process for a delivered span, its making
included. Stalls: by how much another Python thread, which sleeps a millisecond at a time, woke too late, less the time
in which it was ready and no core was free; "stall/1000" adds up what was late by more than a millisecond, for each
1,000 spans. Receiver: of one core. null: an exporter that does nothing, written in Python."""


def cheaper(found: Found) -> dict[str, float]:
    """How many times less CPU ferrotel needs for a delivered span, flat out: the median of the rounds' ratios."""
    ratios = {}
    for case in CASES:
        if case.how != "flat":
            continue
        for exporter, of in found[case.title].items():
            pairs = zip(of["official"], of["ferrotel"])
            ratios[f"{case.title}, {exporter}"] = median(
                figures([theirs])["CPU, us"] / figures([ours])["CPU, us"] for theirs, ours in pairs
            )
    return ratios


def missed(found: Found, ratios: dict[str, float]) -> list[str]:
    failed = [title for title, ratio in ratios.items() if ratio < TIMES_CHEAPER]
    fast = CASES[2]
    for exporter, of in found[fast.title].items():
        lost = sum(turn["made"] - turn["delivered"] for turn in of["ferrotel"])
        if lost:
            failed.append(f"{fast.title}, {exporter}: {lost} spans dropped")
    paced = found[CASES[3].title]
    # Of a machine that does nothing.
    noise = figures(found[CASES[4].title]["null"]["ferrotel"])["stall/1000, ms"]
    allowed = figures(paced["null"]["ferrotel"])["stall/1000, ms"] + noise
    for exporter in ("grpc", "http"):
        stall = figures(paced[exporter]["ferrotel"])["stall/1000, ms"]
        if stall > allowed:
            failed.append(f"{CASES[3].title}, {exporter}: {stall:.2f} ms of stall, {allowed:.2f} allowed")
    return failed


def save(found: Found, ratios: dict[str, float], facts: dict[str, Any]) -> Path:
    medians = {
        case: {exporter: {name: figures(turns) for name, turns in of.items()} for exporter, of in of_case.items()}
        for case, of_case in found.items()
    }
    data = {"facts": facts, "times less CPU": ratios, "medians": medians, "turns": found}
    return save_as(f"pipeline-cpython{facts['python']}", data)


if __name__ == "__main__":
    sys.exit(main())
