"""Runs the reference's suites on the ferrotel that is installed beside this interpreter. `make conformance` calls
it."""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import sys
import tempfile
from pathlib import Path

import opentelemetry.sdk.trace

from .expectations import read_differences, read_open_parts, read_passed, read_timed_tests, write_passed
from .process import FileResult, run_file
from .report import BLOCKED, PUBLIC, Report
from .suites import Suites

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "build/conformance", help="where suites and results lie")
    parser.add_argument(
        "--select", nargs="*", default=[""], metavar="TEXT", help="only files whose suite/path holds one"
    )
    parser.add_argument("--record", action="store_true", help="write what passes now to passed.txt")
    parser.add_argument("--failures", action="store_true", help="print every test that does not pass, with its message")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()

    overlay = find_overlay()
    suites = Suites(options.folder)
    suites.fetch()
    kinds = suites.kinds()
    files = [
        (suite, file)
        for suite, known in kinds.items()
        for file in known
        if any(text in f"{suite}/{file}" for text in options.select)
    ]
    report = Report(kinds, run(suites, files, overlay, options))
    differences = read_differences()
    (options.folder / "results.json").write_text(json.dumps(report.as_json(), indent=1))
    print(report.table(differences))
    if options.failures:
        for test in sorted(report.not_passed()):
            print(f"{report.tests[test].kind:9}{report.tests[test].outcome:8}{test}\n    {report.tests[test].message}")
    return verdict(report, differences, files, options.record)


def find_overlay() -> Path:
    """The folder that everything under test comes from."""
    overlay = Path(opentelemetry.sdk.trace.__file__).resolve().parents[3]
    if overlay.parent.name != "ferrotel":
        sys.exit(f"ferrotel: opentelemetry.sdk.trace comes from {overlay}: that would not test ferrotel")
    return overlay


def run(
    suites: Suites, files: list[tuple[str, str]], overlay: Path, options: argparse.Namespace
) -> dict[tuple[str, str], FileResult]:
    log_folder = options.folder / "logs"
    log_folder.mkdir(exist_ok=True)
    python_path = [Path(__file__).resolve().parents[1], suites.companions.resolve()]
    with tempfile.TemporaryDirectory() as work:
        suites.copy(Path(work))

        def run_one(chosen: tuple[str, str]) -> FileResult:
            suite, file = chosen
            return run_file(Path(work, suite), file, overlay, python_path, log_folder.resolve())

        with concurrent.futures.ThreadPoolExecutor(options.processes) as pool:
            results = dict(zip(files, pool.map(run_one, files)))
        # A busy machine can make a test late, once. Files that lost a recorded test get a second chance, alone.
        recorded = read_passed()
        for suite, file in files:
            lost = [t for t in recorded if t.startswith(f"{suite}/{file}::")]
            if any(results[suite, file].outcomes.get(t[len(suite) + 1 :]) != "passed" for t in lost):
                print(f"ferrotel: once more: {suite}/{file}", file=sys.stderr)
                results[suite, file] = run_one((suite, file))
    return results


def verdict(report: Report, differences: dict[str, str], files: list[tuple[str, str]], record: bool) -> int:
    """Say what is not as expected; 1 when there is such a thing."""
    prefixes = tuple(f"{suite}/{file}::" for suite, file in files)
    recorded = {test for test in read_passed() if test.startswith(prefixes)}
    passed = report.passed()
    wrong = {
        "passed before and does not now": recorded - passed - read_timed_tests(),
        "is listed in differences.toml and passes": passed & differences.keys(),
        "is listed in differences.toml and does not exist": {t for t in differences if t.startswith(prefixes)}
        - report.tests.keys(),
    }
    unlisted = {test for test in report.not_passed((PUBLIC, BLOCKED)) if test not in differences}
    still_open = {test for test in unlisted if test.startswith(read_open_parts())}
    wrong["uses documented names only, does not pass and is not listed in differences.toml"] = unlisted - still_open
    if still_open:
        print(f"{len(still_open)} public or blocked tests of parts that are not built yet do not pass")
    # A file of a part that is not built yet may need it to be imported at all.
    complaints = [
        f"{suite}/{file}: {text}"
        for (suite, file), r in report.results.items()
        for text in r.complaints
        if not f"{suite}/{file}".startswith(read_open_parts())
    ]
    if record:
        write_passed((read_passed() - recorded) | passed)
        wrong["passed before and does not now"] = set()
    for test in sorted((recorded - passed) & read_timed_tests()):
        print(f"did not keep its time, which a busy machine can cause: {test}")
    if not record and passed - recorded:
        print(f"{len(passed - recorded)} tests pass that are not recorded: make conformance CONFORMANCE_ARGS=--record")
    for what, tests in wrong.items():
        for test in sorted(tests):
            print(f"{what}: {test}\n    {report.tests[test].message if test in report.tests else ''}")
    print("\n".join(complaints))
    return 1 if complaints or any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
