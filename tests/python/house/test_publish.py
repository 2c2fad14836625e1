"""What `make publish` makes of the benches' results: the summary, the README's tables, the plots."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

BENCHES = Path(__file__).parents[3] / "benches"
RESULTS = Path(__file__).parent / "results"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`benches/publish.py`, which finds its neighbours beside it as a program does."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(BENCHES))
    import publish

    yield publish
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(BENCHES)):
            del sys.modules[name]


@pytest.fixture
def summary(publish: Any) -> Any:
    found: dict[str, Any] = {}
    list(publish.take(found, publish.results(RESULTS)))
    return found


def row(publish: Any, summary: Any, title: str) -> list[str]:
    """The cells of the README's row of that title."""
    (line,) = (line for line in publish.block(summary) if line.startswith(f"| {title}"))
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_the_table_has_the_rounds_medians_and_the_ratios_within_them(publish: Any, summary: Any) -> None:
    assert row(publish, summary, "`with start_as_current_span`") == [
        "`with start_as_current_span`",
        "400",
        "16,400",
        "41.0 (40-44)",
        "30.0",
        "250",
    ]
    assert row(publish, summary, "... and 4 `set_attribute`")[-1] == "465 (owned strings: 735)"


def test_machine_and_versions_are_named(publish: Any, summary: Any) -> None:
    (first, *_) = publish.block(summary)
    assert "The Rust SDK exports nothing" in first
    for named in ("AMD EPYC", "2 cores", "Debian GNU/Linux 12", "CPython 3.11.7", "opentelemetry-sdk 1.45.1", "0.33.1"):
        assert named in first


def test_what_logging_takes_by_itself_is_subtracted(publish: Any, summary: Any) -> None:
    assert row(publish, summary, "what `LoggingHandler` adds")[1:3] == ["1,050", "20,050"]


def test_a_later_run_of_one_row_replaces_it_and_says_when_it_was(publish: Any, summary: Any) -> None:
    assert row(publish, summary, "`counter.add(1)`")[:3] == ["`counter.add(1)` (2026-11-29)", "40", "3,200"]
    assert summary["operations"]["facts"]["date"] == "2026-11-28"


def test_a_row_from_another_machine_is_left_out(publish: Any, summary: Any) -> None:
    one = json.loads((RESULTS / "20261129-090000-cpython3.11.7.json").read_text())
    one["facts"]["processor"] = "another"
    (said,) = publish.take(summary, [("20261130-000000", "operations", one)])
    assert said.startswith("left out") and "another machine" in said
    assert row(publish, summary, "`counter.add(1)`")[1] == "40"


def test_another_build_than_the_release_wheel_is_left_out(publish: Any) -> None:
    one = json.loads((RESULTS / "20261128-134500-memory.json").read_text())
    one["facts"]["build"] = "dev"
    found: dict[str, Any] = {}
    (said,) = publish.take(found, [("20261130-000000", "memory", one)])
    assert (said, found) == ("left out: 20261130-000000, memory: not the release wheel but dev", {})


def test_a_whole_run_replaces_what_was_there(publish: Any, summary: Any) -> None:
    whole = json.loads((RESULTS / "20261128-133000-cpython3.11.7.json").read_text())
    whole["facts"].update(date="2026-12-01", processor="another")
    list(publish.take(summary, [("20261201-000000", "operations", whole)]))
    assert row(publish, summary, "`counter.add(1)`")[:2] == ["`counter.add(1)`", "50"]
    # What was measured elsewhere says so.
    assert "AMD EPYC" in "\n".join(publish.block(summary))


def test_results_that_were_taken_are_not_taken_again(publish: Any, summary: Any) -> None:
    assert list(publish.take(summary, publish.results(RESULTS))) == []


def test_every_kind_has_its_figures_in_the_readme(publish: Any, summary: Any) -> None:
    for title, cells in {
        "`import` of `TracerProvider` and the gRPC exporter, ms of CPU": ["15", "130", "8.7"],
        "`opentelemetry-instrument python -c pass`, MB": ["12", "38", "3.2"],
        "distributions": ["1", "19", "19.0"],
        "a live span": ["465", "3,079", "6.6"],
        "Flask, gunicorn": ["50", "500", "10.0"],
        "1 thread, flat out, grpc": ["2.8", "134", "48.1"],
    }.items():
        assert row(publish, summary, title)[1:] == cells
    assert "took 86 ms" in "\n".join(publish.block(summary))


def test_the_plots_show_all_three(publish: Any, summary: Any) -> None:
    plots = dict(publish.pictures(summary))
    assert set(plots) == {"operations", "startup", "memory", "web", "pipeline"}
    for name, plot in plots.items():
        root = ElementTree.fromstring(plot)
        kinds = {part.get("class") for part in root.iter() if part.tag != f"{SVG}text"}
        assert {"ferrotel", "official"} <= kinds
        assert ("rust" in kinds) == (name == "operations")
        # Nothing is drawn or written outside of the picture.
        width = float(root.get("width", 0))
        for part in root.iter(f"{SVG}text"):
            x, length = float(part.get("x", 0)), 6.7 * len(part.text or "")
            if part.get("class") != "title":
                left = {"end": x - length, "middle": x - length / 2}.get(part.get("text-anchor", ""), x)
                assert -1 <= left and left + length <= width + 1, part.text


def test_the_points_lie_where_the_axis_says(publish: Any, summary: Any) -> None:
    root = ElementTree.fromstring(dict(publish.pictures(summary))["operations"])
    ticks = {
        part.text: float(part.get("x", 0)) for part in root.iter(f"{SVG}text") if part.get("text-anchor") == "middle"
    }
    circles = [part for part in root.iter(f"{SVG}circle") if "400 ns" in "".join(part.itertext())]
    (x,) = (float(circle.get("cx", 0)) for circle in circles)
    assert ticks["100 ns"] < x < ticks["1 µs"]
    assert (x - ticks["100 ns"]) / (ticks["1 µs"] - ticks["100 ns"]) == pytest.approx(0.602, abs=0.01)


def test_a_page_without_its_place_is_told(publish: Any, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("# a page\n")
    with pytest.raises(SystemExit, match="has no lines"):
        publish.filled(page, ["one"])
    page.write_text(f"before\n{publish.BEGIN}\nold\n{publish.END}\nafter\n")
    assert publish.filled(page, ["new", "lines"])[1] == f"before\n{publish.BEGIN}\nnew\nlines\n{publish.END}\nafter\n"


def test_readme_and_plots_are_what_was_published(publish: Any) -> None:
    summary = json.loads((BENCHES / "published.json").read_text())
    for path, wanted in publish.pages(summary, BENCHES.parent):
        assert path.read_text("utf-8") == wanted
