"""Checks the instructions of a span against the recorded ones: stable where times are not.

python benches/instructions.py --ferrotel-python build/env/.../python [--record]

Fails where an operation grew by more than 5 per cent and instructions.json does not say so in the same commit. A build
with other versions of Rust or CPython counts differently: then the figures are shown, and the check says that it cannot
compare.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys

import callgrind
import contenders
from run import Sink, answer

RECORD = contenders.HERE / "instructions.json"
OPERATIONS = ("bare", "attributes_4")
GROWTH = 1.05


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ferrotel-python", required=True, help="an interpreter that sees a build with profile quick")
    parser.add_argument("--record", action="store_true", help="write what was counted to instructions.json")
    options = parser.parse_args()
    python = contenders.interpreter(options.ferrotel_python)
    built = {"rustc": rustc(), "python": answer(python, "import platform; print(platform.python_version())")}
    built["machine"] = platform.machine()
    with Sink() as sink:
        counted = {operation: round(count(python, operation, sink.endpoint)) for operation in OPERATIONS}
    if options.record:
        RECORD.write_text(json.dumps({"built": built, "operations": counted}, indent=1) + "\n")
        print("written:", RECORD.relative_to(contenders.ROOT), counted)
        return 0
    record = json.loads(RECORD.read_text())
    comparable = record["built"] == built
    grown = []
    for operation, now in counted.items():
        before = record["operations"][operation]
        print(f"{operation}: {now:,} instructions, recorded {before:,} ({now / before - 1:+.1%})")
        if now > before * GROWTH:
            grown.append(operation)
    if not comparable:
        print(f"not compared: counted with {built}, recorded with {record['built']}")
        return 0
    if grown:
        print(f"grown by more than 5 %: {', '.join(grown)}. Make it cheaper, or record it: make instructions RECORD=1")
    return 1 if grown else 0


def count(python: str, operation: str, endpoint: str) -> float:
    worker = [python, str(contenders.HERE / "worker.py"), "--pipeline", "otlp", "--endpoint", f"{endpoint}/v1/traces"]
    return callgrind.count(worker, operation)[0]


def rustc() -> str:
    return subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[1]


if __name__ == "__main__":
    sys.exit(main())
