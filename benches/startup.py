"""What starting costs: importing TracerProvider and the gRPC exporter and making them, beside the official packages.

python benches/startup.py [--python PYTHON] [--rounds 15]

Interpreters are started one after the other in turns, and what a bare one takes is subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

import contenders
from run import default_python

PROGRAM = """\
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
"""
CONFIGURE = """\
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint="http://127.0.0.1:4317")))
"""
# Leaves without flushing, joining or freeing: that is another measurement.
LEAVE = "import os; os._exit(0)"

CASES = {
    "import": PROGRAM + LEAVE,
    "import and configure": PROGRAM + CONFIGURE + LEAVE,
    "nothing (python -c '')": LEAVE,
}


class Start(NamedTuple):
    wall: float
    cpu: float
    """Both in milliseconds."""
    memory: float
    """The largest resident set, in MB."""


def main() -> None:
    parser = argparse.ArgumentParser(description="the cost of starting")
    parser.add_argument("--python", default="", help="the CPython to measure on")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--ferrotel-python", help="measure the ferrotel that this interpreter sees")
    options = parser.parse_args()
    python = contenders.interpreter(options.python) if options.python else default_python()
    bare = bare_python(python)
    interpreters = {
        "ferrotel": contenders.interpreter(options.ferrotel_python)
        if options.ferrotel_python
        else contenders.ferrotel_python(python),
        "official": contenders.official_python(python),
    }
    rounds: dict[tuple[str, str], list[Start]] = {}
    for number in range(options.rounds + 1):
        for name, interpreter in [("bare", bare), *interpreters.items()]:
            for case, code in CASES.items() if name != "bare" else [("nothing", LEAVE)]:
                cost = start(interpreter, code)
                # The first round fills the file cache and writes the .pyc files.
                if number:
                    rounds.setdefault((name, case), []).append(cost)
    base = middle(rounds.pop(("bare", "nothing")))
    print(f"a bare interpreter: {base.wall:.1f} ms, {base.cpu:.1f} ms of CPU, {base.memory:.1f} MB; on top of it:\n")
    print(f"{'':24}{'wall ms':>20}{'CPU ms':>24}{'memory MB':>24}")
    print(f"{'':24}{'ferrotel official':>20}{'ferrotel official':>24}{'ferrotel official':>24}")
    for case in CASES:
        ours, theirs = (middle(rounds[name, case]) for name in ("ferrotel", "official"))
        cells = ""
        for field in Start._fields:
            mine, other, none = (getattr(cost, field) for cost in (ours, theirs, base))
            mine, other = mine - none, other - none
            times = f"{other / mine:.1f} x" if mine > 0.1 and not case.startswith("nothing") else ""
            cells += f"{mine:8.1f}{other:8.1f}{times:>8}"
        print(f"{case:24}{cells}")
    for name, interpreter in interpreters.items():
        packages, size = installed(interpreter)
        print(f"{name}: {packages} distributions, {size / 1e6:.1f} MB on disk")
    save(rounds, base)


def start(python: str, code: str) -> Start:
    began = time.perf_counter()
    process = subprocess.Popen([python, "-c", code], env={**contenders.ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": ""})
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = status
    if status:
        raise SystemExit(f"benches: {python} failed")
    return Start(wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, usage.ru_maxrss / 1024)


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


def save(rounds: dict[tuple[str, str], list[Start]], base: Start) -> None:
    folder = contenders.HERE / "results"
    folder.mkdir(exist_ok=True)
    path: Path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-startup.json"
    facts = {f"{name}: {case}": [cost._asdict() for cost in costs] for (name, case), costs in rounds.items()}
    path.write_text(json.dumps({"bare": base._asdict(), "starts": facts}, indent=1))
    print("written:", path.relative_to(contenders.ROOT))


if __name__ == "__main__":
    main()
