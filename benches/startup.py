"""What starting costs: importing TracerProvider and the gRPC exporter, making them, and `opentelemetry-instrument`,
beside the official packages.

python benches/startup.py [--python PYTHON] [--rounds 15] [--check]

Interpreters are started one after the other in turns, and what a bare one takes is subtracted. The official packages
under `opentelemetry-instrument` have the instrumentations that ferrotel has built in, and like it none of the libraries
(`instrument-official.txt`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple, Sequence

import contenders
from run import default_python, facts_of, save_as

PROGRAM = """\
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
"""
CONFIGURE = """\
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:4317")))
"""
# The kernel's word for the largest resident set since the program began: `wait4` counts what the parent had, too.
SAY = "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0], flush=True)\n"
# Leaves without flushing, joining or freeing: that is another measurement.
LEAVE = SAY + "import os; os._exit(0)"

INSTRUMENT = "opentelemetry-instrument"
CASES = {
    "import": PROGRAM + LEAVE,
    "configure": PROGRAM + CONFIGURE + LEAVE,
    # An ordinary end, with all that is shut down there.
    "instrument": SAY,
    "nothing": LEAVE,
}
TITLES = {
    "import": "import",
    "configure": "import and configure",
    "instrument": f"{INSTRUMENT} python -c pass",
    "nothing": "nothing (python -c '')",
}
TIMES_FASTER = 8.0
TIMES_SMALLER = 5.0
CHECKED = ("import", "instrument")


class Start(NamedTuple):
    wall: float
    cpu: float
    """Both in milliseconds."""
    memory: float
    """The largest resident set, in MB."""


def main() -> int:
    parser = argparse.ArgumentParser(description="the cost of starting")
    parser.add_argument("--python", default="", help="the CPython to measure on")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees, not a fresh wheel")
    options = parser.parse_args()
    python = contenders.interpreter(options.python) if options.python else default_python()
    bare = bare_python(python)
    interpreters = {
        "ferrotel": contenders.interpreter(options.ferrotel_python)
        if options.ferrotel_python
        else contenders.ferrotel_python(python),
        "official": contenders.official_python(python),
    }
    instrumented = {**interpreters, "official": contenders.official_python(python, "instrument-official.txt")}
    rounds: dict[tuple[str, str], list[Start]] = {}
    for number in range(options.rounds + 1):
        for name in ("bare", *interpreters):
            for case in CASES if name != "bare" else ["nothing"]:
                interpreter = bare if name == "bare" else (instrumented if case == "instrument" else interpreters)[name]
                cost = start(interpreter, case)
                # The first round fills the file cache and writes the .pyc files.
                if number:
                    rounds.setdefault((name, case), []).append(cost)
        print(f"\rbenches: round {number} of {options.rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    base = middle(rounds.pop(("bare", "nothing")))
    rows = {
        case: {
            name: {field: getattr(middle(rounds[name, case]), field) - getattr(base, field) for field in Start._fields}
            for name in interpreters
        }
        for case in CASES
    }
    print(f"a bare interpreter: {base.wall:.1f} ms, {base.cpu:.1f} ms of CPU, {base.memory:.1f} MB; on top of it:\n")
    print(f"{'':38}{'wall ms':>20}{'CPU ms':>26}{'memory MB':>26}")
    print(f"{'':38}" + f"{'ferrotel official':>20}      " * 3)
    missed = []
    for case, of in rows.items():
        cells = ""
        for field in Start._fields:
            mine, other = of["ferrotel"][field], of["official"][field]
            times = f"{other / mine:.1f} x" if mine > 0.1 and case != "nothing" else ""
            cells += f"{mine:9.1f}{other:9.1f}{times:>8}"
            wanted = TIMES_SMALLER if field == "memory" else TIMES_FASTER
            if case in CHECKED and field != "wall" and mine * wanted > other:
                missed.append(f"{TITLES[case]}, {field} ({other / mine:.1f} times less instead of {wanted:g})")
        print(f"{TITLES[case]:38}{cells}")
    disk = {}
    for name, interpreter in interpreters.items():
        packages, size = installed(interpreter)
        disk[name] = {"distributions": packages, "bytes": size}
        print(f"{name}: {packages} distributions, {size / 1e6:.1f} MB on disk")
    facts = facts_of(interpreters["ferrotel"], interpreters["official"])
    starts = {f"{name}: {case}": [cost._asdict() for cost in costs] for (name, case), costs in rounds.items()}
    found = {"facts": facts, "bare": base._asdict(), "rows": rows, "installed": disk, "starts": starts}
    print("written:", save_as("startup", found))
    if missed:
        print("target missed:", "; ".join(missed))
    return 1 if missed and options.check else 0


def start(python: str, case: str) -> Start:
    """One interpreter, from its start to its end; under `opentelemetry-instrument` the command's own included."""
    environment = {**contenders.ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": ""}
    command: Sequence[str] = [python, "-c", CASES[case]]
    if case == "instrument":
        folder = str(Path(python).parent)
        command = [f"{folder}/{INSTRUMENT}", "python", "-c", CASES[case]]
        environment["PATH"] = folder + os.pathsep + environment.get("PATH", "")
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = status
    process.stdout.close()
    if status:
        raise SystemExit(f"benches: {' '.join(command)} failed")
    return Start(wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, int(said) / 1024)


def middle(starts: list[Start]) -> Start:
    return Start(*(median(column) for column in zip(*starts)))


def bare_python(python: str) -> str:
    """An environment without anything."""
    home = contenders.ROOT / "build" / "bench" / contenders.version(python) / "bare"
    if not (home / "bin" / "python").exists():
        subprocess.run([python, "-m", "venv", "--without-pip", str(home)], check=True)
    return str(home / "bin" / "python")


def installed(python: str) -> tuple[int, int]:
    """The distributions in an environment beside pip and setuptools, and the bytes of their files."""
    code = """
import json, pathlib
from importlib.metadata import distributions
found = [d for d in distributions() if d.metadata["Name"] not in ("pip", "setuptools")]
files = {pathlib.Path(d.locate_file(f)) for d in found for f in d.files or ()}
print(json.dumps([len(found), sum(f.stat().st_size for f in files if f.exists() and f.suffix != ".pyc")]))
"""
    count, size = json.loads(subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout)
    return count, size


if __name__ == "__main__":
    sys.exit(main())
