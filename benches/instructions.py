"""Checks the instructions of a span against the recorded ones: stable where times are not.

python benches/instructions.py --ferrotel-python build/env/.../python [--profile dev] [--record]

Fails where an operation grew by more than 5 per cent and instructions.json does not say so in the same commit. A build
with other versions of Rust or CPython counts differently: then the figures are shown, and the check says that it cannot
compare. So it does where valgrind is missing and cannot be installed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys

import callgrind
import contenders
from run import Sink, answer

RECORD = contenders.HERE / "instructions.json"
OPERATIONS = ("bare", "attributes_4")
GROWTH = 1.05
# As in counted.py.
COUNTED = 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ferrotel-python", required=True, help="an interpreter that sees a build with that profile")
    parser.add_argument("--profile", choices=["quick", "dev"], default="quick", help="cargo's (default: quick)")
    parser.add_argument("--record", action="store_true", help="write what was counted to instructions.json")
    options = parser.parse_args()
    trouble = missing()
    if trouble:
        print(f"not counted: {trouble}")
        # Where the figures are kept true, a check that checks nothing must not look as if it did.
        return 1 if os.environ.get("CI") else 0
    python = contenders.interpreter(options.ferrotel_python)
    built = {
        "rustc": rustc(),
        "python": answer(python, "import platform; print(platform.python_version(), platform.python_compiler())"),
        "machine": platform.machine(),
    }
    counted = count(python)
    record = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    if options.record:
        record[options.profile] = {"built": built, "operations": counted}
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        print("written:", RECORD.relative_to(contenders.ROOT), options.profile, counted)
        return 0
    if options.profile not in record:
        print(f"nothing is recorded for the profile {options.profile}; counted: {counted}. Record it: RECORD=1")
        return 1
    recorded = record[options.profile]
    grown = []
    for operation, now in counted.items():
        before = recorded["operations"][operation]
        print(f"{operation}: {now:,} instructions, recorded {before:,} ({now / before - 1:+.1%})")
        if now > before * GROWTH:
            grown.append(operation)
    if recorded["built"] != built:
        print(f"not compared: counted with {built}, recorded with {recorded['built']}")
        return 0
    if grown:
        target = "instructions" if options.profile == "quick" else "instructions-dev"
        print(f"grown by more than 5 %: {', '.join(grown)}. Make it cheaper, or record it: make {target} RECORD=1")
    return 1 if grown else 0


def missing() -> str:
    """Why nothing can be counted; empty where it can."""
    if sys.platform != "linux":
        return f"valgrind is not for {sys.platform}"
    if not shutil.which("valgrind"):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return "valgrind is missing, for example: apt-get install valgrind"
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", "valgrind"]):
            done = subprocess.run(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
            )
            if done.returncode:
                return f"valgrind is missing, and {' '.join(command)} failed: {done.stderr.strip()}"
    return ""


def count(python: str) -> dict[str, int]:
    """The instructions of each operation, on the thread that does it."""
    with Sink() as sink:
        script = str(contenders.HERE / "counted.py")
        parts = callgrind.between([python, script, f"{sink.endpoint}/v1/traces", *OPERATIONS], "getppid")
    # Before the first operation, the first operation, before the second one, and so on.
    if len(parts) != 2 * len(OPERATIONS):
        raise SystemExit(f"benches: {len(parts)} parts were counted, and {2 * len(OPERATIONS)} expected")
    return {operation: round(part / COUNTED) for operation, part in zip(OPERATIONS, parts[1::2])}


def rustc() -> str:
    return subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[1]


if __name__ == "__main__":
    sys.exit(main())
