"""Instructions for one operation: stable where times are not.

The worker runs under valgrind twice with different counts; what the second run executed more on the calling thread,
divided by the operations it did more, is the cost of one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Sequence

import contenders

FEW = 1_500
MANY = 6_000


def main(python: str, operation: str, endpoint: str) -> int:
    if not shutil.which("valgrind"):
        raise SystemExit("benches: --callgrind needs valgrind, for example: apt-get install valgrind")
    if operation == "encode":
        worker = [contenders.rust_programs()[1]]
    else:
        script = str(contenders.HERE / "worker.py")
        worker = [python, script, "--pipeline", "otlp", "--endpoint", endpoint]
    total, functions = count(worker, operation)
    print(f"{operation}: {total:,.0f} instructions on the calling thread; by function, without what it calls:")
    for cost, function in functions[:50]:
        print(f"{cost:9,.1f}  {100 * cost / total:5.1f} %  {function}")
    return 0


def count(command: Sequence[str], operation: str) -> tuple[float, list[tuple[float, str]]]:
    """The instructions of one operation: of the calling thread, and of each function by itself."""
    few, many = (profile(command, operation, amount) for amount in (FEW, MANY))
    costs = {name: (many.get(name, 0) - few.get(name, 0)) / (MANY - FEW) for name in {*few, *many}}
    functions = sorted(((cost, name) for name, cost in costs.items() if abs(cost) >= 0.5), reverse=True)
    return sum(costs.values()), functions


def profile(command: Sequence[str], operation: str, amount: int) -> dict[str, int]:
    """The instructions of the whole program's main thread, by function."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        done = run(out, [], command, f"count {operation} {amount}\n")
        if "\ndone" not in done.stdout:
            raise SystemExit(f"benches: {operation} failed under valgrind: {done.stdout}{done.stderr}")
        return self_costs(f"{out}-01")


def between(command: Sequence[str], function: str) -> list[int]:
    """The instructions of a program's main thread up to each call of a C function, from the one before."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        done = run(out, [f"--dump-before={function}"], command, "")
        if done.returncode:
            raise SystemExit(f"benches: {command} failed under valgrind: {done.stdout}{done.stderr}")
        # One file for each part of the run; what comes after the last call has no number.
        parts = sorted(Path(folder).glob("out.*-01"), key=lambda part: int(part.suffix[1:].split("-")[0]))
        texts = [part.read_text(errors="replace") for part in parts]
    found = [re.search(r"^totals: (\d+)", text, re.MULTILINE) for text in texts]
    return [int(match[1]) for match in found if match]


def run(out: Path, options: Sequence[str], command: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    """A program under valgrind, which writes what it finds of the main thread to OUT-01."""
    valgrind = ["valgrind", "--tool=callgrind", "--separate-threads=yes", f"--callgrind-out-file={out}", "--quiet"]
    return subprocess.run(
        [*valgrind, *options, *command],
        input=text,
        capture_output=True,
        text=True,
        env=contenders.ENVIRONMENT,
        cwd=contenders.HERE,
    )


def self_costs(path: str) -> dict[str, int]:
    annotate = ["callgrind_annotate", "--threshold=100", "--auto=no", path]
    text = subprocess.run(annotate, check=True, stdout=subprocess.PIPE, text=True).stdout
    costs: dict[str, int] = {}
    for line in text.splitlines():
        # For example: "1,234 ( 5.6%)  file.c:function [library.so]"
        match = re.match(r"\s*([\d,]+)(?: \([ \d.]+%\))?  (.*?)(?: \[[^\]]*\])?$", line)
        if match and "PROGRAM TOTALS" not in line:
            name = re.sub(r"^[^\s:]*:(?!:)", "", match[2])
            costs[name] = costs.get(name, 0) + int(match[1].replace(",", ""))
    return costs
