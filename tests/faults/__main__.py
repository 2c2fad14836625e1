"""`make faults`: every case on ferrotel, and beside it on the official packages."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import cases
from .official import official_python
from .report import table
from .running import Outcome, Subject, complaints, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--base", help="an interpreter to set the official packages up with, in build/faults")
    parser.add_argument("--official", help="an interpreter that has the official packages")
    parser.add_argument("--only", default="", help="the cases whose group or name holds this text")
    parser.add_argument("--json", type=Path, help="where to write the outcomes")
    arguments = parser.parse_args()
    subjects = [Subject("ferrotel", sys.executable)]
    official = arguments.official or (arguments.base and official_python(arguments.base))
    if official:
        subjects.append(Subject("official", official))
    chosen = [case for case in cases.ALL if arguments.only in f"{case.group} {case.name}"]
    outcomes: list[dict[str, Outcome | None]] = []
    wrong = 0
    for case in chosen:
        results: dict[str, Outcome | None] = {}
        for subject in subjects:
            if subject.name != "ferrotel" and not case.official:
                continue
            try:
                results[subject.name] = outcome = run(case, subject)
            except Exception as error:
                if subject.name == "ferrotel":
                    raise
                print(f"faults: {case.name}: {subject.name}: {error!r}", file=sys.stderr)
                results[subject.name] = None
                continue
            if subject.name == "ferrotel":
                for complaint in complaints(case, outcome):
                    wrong += 1
                    print(f"faults: {case.group}: {case.name}: {complaint}\n{outcome.said}", file=sys.stderr)
        print(f"faults: {case.group}: {case.name}", file=sys.stderr, flush=True)
        outcomes.append(results)
    print(table(chosen, outcomes))
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps([_as_data(*pair) for pair in zip(chosen, outcomes)], indent=1) + "\n")
    return 1 if wrong else 0


def _as_data(case: cases.Case, results: dict[str, Outcome | None]) -> dict[str, object]:
    data: dict[str, object] = {"group": case.group, "case": case.name}
    for name, outcome in results.items():
        data[name] = None if outcome is None else {**outcome._asdict(), "lost": outcome.lost}
        if outcome is not None:
            data[name].pop("said")  # type: ignore[union-attr, attr-defined]
    return data


if __name__ == "__main__":
    sys.exit(main())
