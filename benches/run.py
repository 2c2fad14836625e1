"""Measures ferrotel beside the official Python SDK and the official Rust SDK: see README.md.

python benches/run.py [--python PYTHON] [--rounds 15] [--check]
python benches/run.py --callgrind bare
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import callgrind
import contenders
import report
from contenders import Contender, Cost

#: The official Rust SDK, as rust/Cargo.toml pins it.
RUST = "0.33.1"
LEGEND = """\
ns: the median of the rounds, on {clock}. Ratios: the median of the ratios within a round.
Python {python}; {processor}, {cores} cores; ferrotel {ferrotel}, opentelemetry-sdk {official},
Rust opentelemetry_sdk {rust}.
Both Python columns: TracerProvider with default settings, BatchSpanProcessor, OTLP over HTTP to the same local
receiver, bursts of up to 1,500 spans, each flushed (untimed) before the next, so that none is dropped. "no export": the
official SDK with an exporter that does nothing, beside ferrotel with OTLP. Rust: BatchSpanProcessor and an exporter
that does nothing. Metrics: PeriodicExportingMetricReader; logs: BatchLogRecordProcessor; both into the same exporters'
receiver. "added": less what the same call takes with a NullHandler. 512 spans to OTLP: official Python encode_spans and
SerializeToString; ferrotel's encoder without Python, as its exporter calls it; Rust prost.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="ferrotel beside the official SDKs, in one interleaved run")
    parser.add_argument("--python", default="", help="the CPython to measure on (default: the one that runs this)")
    parser.add_argument(
        "--rounds", type=int, default=15, help="turns of each contender at each operation (default: 15)"
    )
    parser.add_argument("--milliseconds", type=int, default=60, help="the length of a turn (default: 60)")
    parser.add_argument("--only", default="", help="operations, separated by commas")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="cpu", help="of the calling thread (default: cpu)")
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees, not a fresh wheel")
    parser.add_argument("--no-rust", action="store_true", help="leave the Rust programs out")
    parser.add_argument(
        "--callgrind",
        metavar="OPERATION",
        choices=[row.name for row in report.ROWS],
        help="count ferrotel's instructions for one operation instead; needs valgrind",
    )
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name]
    unknown = set(names).difference(row.name for row in report.ROWS)
    if unknown:
        parser.error(f"no such operation: {', '.join(sorted(unknown))}")
    names += [row.base for row in report.ROWS if row.name in names and row.base]
    rows = [row for row in report.ROWS if not names or row.name in names]
    python = contenders.interpreter(options.python) if options.python else default_python()
    if options.ferrotel_python:
        ferrotel = contenders.interpreter(options.ferrotel_python)
    else:
        ferrotel = contenders.ferrotel_python(python)
    if options.callgrind:
        with Sink() as sink:
            return callgrind.main(ferrotel, options.callgrind, sink.endpoint)
    official = contenders.official_python(python)
    rust = None if options.no_rust else contenders.rust_programs()

    with Sink() as sink:
        rounds = measure(rows, start(ferrotel, official, rust, sink.endpoint), options.rounds, options.milliseconds)
        delivered = sink.close()
    facts = {
        **facts_of(ferrotel, official),
        "rust": RUST if rust else "(not measured)",
        "clock": {"wall": "the clock", "cpu": "the calling thread's CPU"}[options.clock],
        "rounds": options.rounds,
        "milliseconds": options.milliseconds,
        "delivered": delivered,
    }
    shown = report.net(rounds)
    print(report.table(shown, options.clock))
    print()
    print(LEGEND.format(**facts))
    print("written:", save(rounds, facts))
    failed = [row.title for row in rows if report.missed(row, shown[row.name], options.clock)]
    if failed:
        print("target missed:", "; ".join(failed))
    return 1 if failed and options.check else 0


def start(ferrotel: str, official: str, rust: tuple[str, str] | None, endpoint: str) -> list[Contender]:
    started = [
        contenders.python_contender("ferrotel", ferrotel, "otlp", endpoint),
        contenders.python_contender("official", official, "otlp", endpoint),
        contenders.python_contender("ferrotel-null", ferrotel, "null", endpoint),
        contenders.python_contender("official-null", official, "null", endpoint),
    ]
    if rust:
        started += [Contender("official-rust", [rust[0]]), Contender("engine", [rust[1]])]
    return started


def measure(
    rows: list[report.Row], started: list[Contender], count: int, milliseconds: int
) -> dict[str, dict[str, list[Cost]]]:
    """Rounds in which each contender has a turn at each operation, one right after the other."""
    rounds: dict[str, dict[str, list[Cost]]] = {row.name: {} for row in rows}
    bases = {row.base for row in rows}

    def turn(contender: Contender, operation: str, row: report.Row, name: str) -> None:
        cost = contender.turn(operation, milliseconds)
        if cost:
            rounds[row.name].setdefault(name, []).append(cost)

    for number in range(count + 1):
        for row in rows:
            for contender in started if number % 2 else reversed(started):
                if contender.name.endswith("-null") and not row.pipeline and row.name not in bases:
                    continue
                # The engine answers for ferrotel where the work is done without Python.
                turn(contender, row.name, row, "ferrotel" if contender.name == "engine" else contender.name)
                if contender.name == "official-rust" and row.name == "attributes_4":
                    turn(contender, "attributes_4_owned", row, "official-rust-owned")
        if number == 0:
            # The first round warms up.
            rounds = {row.name: {} for row in rows}
        print(f"\rbenches: round {number} of {count}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    for contender in started:
        contender.close()
    return rounds


class Sink:
    """The receiver, in a process of its own."""

    def __enter__(self) -> Sink:
        self._process = subprocess.Popen(
            [sys.executable, str(contenders.HERE / "sink.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.endpoint = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"
        return self

    def close(self) -> dict[str, int]:
        """Ends it; how many spans came to which path."""
        lines = self._process.communicate()[0].splitlines()
        return {path: int(count) for path, count in map(str.split, lines)}

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def save(rounds: dict[str, dict[str, list[Cost]]], facts: dict[str, Any]) -> Path:
    costs = {
        name: {contender: [cost._asdict() for cost in turns] for contender, turns in of.items()}
        for name, of in rounds.items()
    }
    ratios = {
        name: {
            f"official/ferrotel ({clock})": (found := report.ratio(of.get("official"), of.get("ferrotel"), clock))
            and found._asdict()
            for clock in ("wall", "cpu")
        }
        for name, of in report.net(rounds).items()
    }
    return save_as(f"cpython{facts['python']}", {"facts": facts, "ratios": ratios, "rounds": costs})


def save_as(name: str, data: Any) -> Path:
    """Writes what a run found into the folder of results."""
    folder = contenders.HERE / "results"
    folder.mkdir(exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{name}.json"
    path.write_text(json.dumps(data, indent=1))
    return path.relative_to(contenders.ROOT)


def facts_of(ferrotel: str, official: str) -> dict[str, Any]:
    """What was measured with what on what."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": full_version(official),
        "processor": processor(),
        "cores": os.cpu_count(),
        "ferrotel": distribution(ferrotel, "ferrotel"),
        "build": build_of(ferrotel),
        "official": distribution(official, "opentelemetry-sdk"),
        "machine": platform.platform(),
        "system": system(),
    }


def default_python() -> str:
    """The interpreter that runs this, outside of its environment."""
    return getattr(sys, "_base_executable", sys.executable)


def full_version(python: str) -> str:
    return answer(python, "import platform; print(platform.python_version())")


def distribution(python: str, name: str) -> str:
    code = f"from importlib.metadata import version as v\ntry: print(v({name!r}))\nexcept Exception: print('(sources)')"
    return answer(python, code)


def answer(python: str, code: str) -> str:
    return subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def build_of(ferrotel: str) -> str:
    """Cargo's profile of the wheel, as the name of its environment says it (scripts/python-env.sh)."""
    folders = Path(ferrotel).parts
    name = folders[folders.index("env") + 1] if "env" in folders[:-1] else ""
    return name.split("-")[1] if name.count("-") >= 2 else "unknown"


def system() -> str:
    """The operating system's own name for itself."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return platform.platform()
    names = dict(line.split("=", 1) for line in lines if "=" in line)
    return names.get("PRETTY_NAME", platform.platform()).strip('"')


if __name__ == "__main__":
    sys.exit(main())
