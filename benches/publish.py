"""The README's figures and the plots, from what the benches measured.

python benches/publish.py            # takes the newest results into published.json, and writes README and docs/plots
python benches/publish.py --check    # fails where README or a plot is not what published.json says

A run that has all the rows of its kind replaces what was published of it. One that has only some of them, by `--only`,
replaces these, and they are marked with their date; it must have been made on the same machine and Python. Figures of
another build than the release wheel's are not published.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from statistics import median
from typing import Any, Iterable, Iterator

import report
from contenders import HERE, ROOT, Cost
from figures import PLACE, START, TITLES, TITLES_OF_PLOTS, Summary, block, pictures
from plots import FERROTEL, OFFICIAL

BEGIN, END = "<!-- bench: begin; written by `make publish` -->", "<!-- bench: end -->"
CLOCK = "cpu"


def main() -> int:
    parser = argparse.ArgumentParser(description="the README's figures and the plots")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where they do not agree")
    parser.add_argument("--any-build", action="store_true", help="take figures of other builds as well")
    options = parser.parse_args()
    published = HERE / "published.json"
    summary: Summary = json.loads(published.read_text("utf-8")) if published.exists() else {}
    if not options.check:
        for line in take(summary, results(HERE / "results"), options.any_build):
            print(line)
        published.write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n", "utf-8")
    wrong = [path for path, wanted in pages(summary, ROOT) if not path.exists() or path.read_text("utf-8") != wanted]
    for path in wrong:
        if options.check:
            print(f"{path.relative_to(ROOT)} is not what benches/published.json says: run `make publish`")
    if not options.check:
        for path, wanted in pages(summary, ROOT):
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted, "utf-8")
            print("written:", path.relative_to(ROOT))
    return 1 if options.check and wrong else 0


def results(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """When each run was, of which kind it is, and what it says: the oldest first."""
    for path in sorted(folder.glob("*.json")):
        found = re.fullmatch(r"(\d{8}-\d{6})-([a-z]+).*", path.stem)
        if found:
            kind = {"cpython": "operations"}.get(found[2], found[2])
            yield found[1], kind, json.loads(path.read_text("utf-8"))


def take(summary: Summary, runs: Iterator[tuple[str, str, Any]], any_build: bool = False) -> Iterator[str]:
    """Takes newer runs into the summary; yields a line for each that was taken or left out."""
    for when, kind, data in runs:
        if kind not in ROWS:
            continue
        old = summary.get(kind)
        if old and when <= old["newest"]:
            continue
        if "facts" not in data:
            yield f"left out: {when}, {kind}: it does not say what was measured on what"
            continue
        facts = {"date": f"{when[:4]}-{when[4:6]}-{when[6:8]}", **data["facts"]}
        rows = {name: {**row, "date": facts["date"]} for name, row in ROWS[kind](data).items()}
        if facts.get("build", "release") != "release" and not any_build:
            yield f"left out: {when}, {kind}: not the release wheel but {facts['build']}"
        elif not rows:
            yield f"left out: {when}, {kind}: nothing was measured"
        elif old and not set(old["rows"]) <= set(rows):
            if any(old["facts"].get(name) != facts.get(name) for name in PLACE):
                yield f"left out: {when}, {kind}: only {len(rows)} row(s), and on another machine or Python"
            else:
                old["rows"].update(rows)
                old["newest"] = when
                yield f"taken: {when}, {kind}: {len(rows)} of {len(old['rows'])} rows"
        else:
            summary[kind] = {"facts": facts, "newest": when, "rows": rows}
            yield f"taken: {when}, {kind}: {len(rows)} row(s)"


def operations(data: Any) -> dict[str, Any]:
    rounds = report.net(
        {
            name: {contender: [Cost(**turn) for turn in turns] for contender, turns in of.items()}
            for name, of in data["rounds"].items()
        }
    )
    rows = {}
    for name, of in rounds.items():
        times = report.ratio(of.get("official"), of.get("ferrotel"), CLOCK)
        if name not in TITLES or times is None:
            continue
        nanoseconds = {
            contender: round(median(getattr(turn, CLOCK) for turn in turns), 1) for contender, turns in of.items()
        }
        unexported = report.ratio(of.get("official-null"), of.get("ferrotel"), CLOCK)
        rows[name] = {
            "ns": nanoseconds,
            "times": [round(part, 2) for part in times],
            "times, nothing exported": round(unexported.middle, 2) if unexported else None,
        }
    return rows


def plain_rows(data: Any) -> dict[str, Any]:
    return dict(data["rows"])


def web(data: Any) -> dict[str, Any]:
    return {
        name: {part: row[part] for part in (FERROTEL, OFFICIAL, "ratio")} for name, row in data.get("rows", {}).items()
    }


def startup(data: Any) -> dict[str, Any]:
    return {**{name: row for name, row in data["rows"].items() if name in START}, "installed": data["installed"]}


def pipeline(data: Any) -> dict[str, Any]:
    return {
        f"{case}, {exporter}": {**of, "times": data["times less CPU"].get(f"{case}, {exporter}")}
        for case, of_case in data["medians"].items()
        for exporter, of in of_case.items()
    }


ROWS = {
    "operations": operations,
    "startup": startup,
    "memory": plain_rows,
    "series": plain_rows,
    "web": web,
    "pipeline": pipeline,
}


def pages(summary: Summary, root: Path) -> Iterator[tuple[Path, str]]:
    """Each file that is written from the summary, and what it is to hold."""
    drawn = dict(pictures(summary))
    links = [f"![{TITLES_OF_PLOTS[name]}](plots/{name}.svg)" for name in drawn]
    yield filled(root / "README.md", block(summary))
    yield filled(root / "docs" / "performance.md", "\n\n".join(links).splitlines())
    for name, picture in drawn.items():
        yield root / "docs" / "plots" / f"{name}.svg", picture


def filled(page: Path, lines: Iterable[str]) -> tuple[Path, str]:
    """The page with these lines between the two that mark their place."""
    before, begin, rest = page.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"benches: {page} has no lines {BEGIN!r} and {END!r}")
    return page, before + begin + "\n" + "\n".join(lines) + "\n" + end + after


if __name__ == "__main__":
    sys.exit(main())
