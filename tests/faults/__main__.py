"""`make faults`: every case on ferrotel, and beside it on the official packages."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import cases, report
from .machine import machine
from .official import official_python
from .running import Case, NotHere, Outcome, Subject, complaints, run

#: Seconds for which a span may hold its thread up.
STALL = 0.005


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--base", help="an interpreter to set the official packages up with, in build/faults")
    parser.add_argument("--official", help="an interpreter that has the official packages")
    parser.add_argument("--only", action="append", help="the cases whose group or name holds this text")
    parser.add_argument("--telling", action="store_true", help="the cases of README's table")
    parser.add_argument("--json", type=Path, help="where to write the outcomes")
    parser.add_argument("--profile", default="unknown", help="how ferrotel was built, for the table's caption")
    parser.add_argument(
        "--write", type=Path, nargs="+", metavar="JSON", help="writes the tables of README.md and docs/ from these"
    )
    arguments = parser.parse_args()
    if arguments.write:
        report.write(_together([json.loads(file.read_text()) for file in arguments.write]))
        return 0
    subjects = [Subject("ferrotel", sys.executable)]
    official = arguments.official or (arguments.base and official_python(arguments.base))
    if official:
        subjects.append(Subject("official", official))
    about = machine(arguments.profile, official)
    rows: list[dict[str, Any]] = []
    wrong = 0
    for case in cases.ALL:
        if not _wanted(case, arguments.only) or (arguments.telling and not case.telling):
            continue
        row: dict[str, Any] = {"group": case.group, "case": case.name, "telling": case.telling}
        for subject in subjects:
            if subject.name == "ferrotel":
                row["ferrotel"], complained = _ours(case, subject)
                wrong += complained
            elif case.official:
                row[subject.name] = _theirs(case, subject)
        print(f"faults: {case.group}: {case.name}", file=sys.stderr, flush=True)
        rows.append(row)
        about["run"] = f"{len(rows)} of {len(cases.ALL)} cases"
        if arguments.json:
            # After each case: a run that is ended has what came before.
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(json.dumps({"machine": about, "cases": rows}, indent=1) + "\n")
    print(report.caption(about), report.table(rows), sep="\n\n")
    if wrong:
        print(f"faults: {wrong} of {len(rows)} cases are not as expected, see above", file=sys.stderr)
    return 1 if wrong else 0


def _together(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The data of several runs on one machine, each of some cases: of a case the last."""
    found = {(row["group"], row["case"]): row for run in runs for row in run["cases"]}
    rows = [found[case.group, case.name] for case in cases.ALL if (case.group, case.name) in found]
    told = f"{len(rows)} of {len(cases.ALL)} cases" + (f", in {len(runs)} parts" if len(runs) > 1 else "")
    return {"machine": {**runs[-1]["machine"], "run": told}, "cases": rows}


def _wanted(case: Case, texts: list[str] | None) -> bool:
    return texts is None or any(text in f"{case.group}: {case.name}" for text in texts)


def _ours(case: Case, subject: Subject) -> tuple[dict[str, Any] | str, bool]:
    """What came of it, and whether that is not as expected."""
    try:
        outcome = run(case, subject)
    except NotHere as missing:
        print(f"faults: {case.group}: {case.name}: NOT RUN: {missing}", file=sys.stderr)
        return f"not run: {missing}", False
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"faults: {case.group}: {case.name}: {error}", file=sys.stderr)
        return "fails", True
    wrong = list(complaints(case, outcome, STALL))
    for complaint in wrong:
        print(f"faults: {case.group}: {case.name}: {complaint}\n{outcome.said}", file=sys.stderr)
    return _as_data(case, outcome), bool(wrong)


def _theirs(case: Case, subject: Subject) -> dict[str, Any] | str:
    try:
        return _as_data(case, run(case, subject))
    except NotHere as missing:
        return f"not run: {missing}"
    except subprocess.TimeoutExpired:
        return f"hangs after {case.patience:.0f} s"
    except (AssertionError, OSError, subprocess.SubprocessError) as error:
        print(f"faults: {case.group}: {case.name}: {subject.name}: {error!r}", file=sys.stderr)
        return "fails"


def _as_data(case: Case, outcome: Outcome) -> dict[str, Any]:
    figures = {**outcome._asdict(), "lost": outcome.lost}
    if case.metrics:
        # Of spans, some may be made after the last report.
        figures["too_many"] = max(0, outcome.received - outcome.made)
    del figures["said"]
    return figures


if __name__ == "__main__":
    sys.exit(main())
