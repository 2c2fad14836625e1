"""The tables, which are Markdown too, of the data that a run left."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
HEADER = ("Case", "ferrotel: lost", "Largest stall", "Exit", "Official: lost", "Largest stall", "Exit")
BEGIN, END = "<!-- {}: written by python -m faults --write -->", "<!-- end of {} -->"


def write(data: dict[str, Any]) -> None:
    """Puts the tables into README.md (the telling cases) and docs/reliability.md (all)."""
    rows = data["cases"]
    _replace(ROOT / "README.md", "faults", data["machine"], [row for row in rows if row["telling"]])
    _replace(ROOT / "docs" / "reliability.md", "all faults", data["machine"], rows)


def _replace(file: Path, name: str, machine: dict[str, str], rows: Sequence[dict[str, Any]]) -> None:
    text = file.read_text(encoding="utf-8")
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{file.name} has no lines {begin} and {end}")
    block = f"{begin}\n{caption(machine)}\n\n{table(rows, padded=False)}\n{end}"
    file.write_text(before + block + after, encoding="utf-8")


def caption(machine: dict[str, str]) -> str:
    """Where the figures are from."""
    words = [machine[key] for key in ("run", "ferrotel", "official", "python", "system", "processor", "date")]
    return f"One run of `make faults`: {'; '.join(words)}."


def table(rows: Sequence[dict[str, Any]], padded: bool = True) -> str:
    """One line per case."""
    lines = [HEADER, *(_row(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) if padded else 0 for column in range(len(HEADER))]
    rule = "|".join("-" * (width + 2) if padded else "---" for width in widths)
    return "\n".join([_line(HEADER, widths), f"|{rule}|", *(_line(line, widths) for line in lines[1:])])


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return (f"{row['group']}: {row['case']}", *_cells(row.get("ferrotel")), *_cells(row.get("official")))


def _cells(outcome: dict[str, Any] | str | None) -> Iterator[str]:
    if outcome is None:
        return iter(["-"] * 3)
    if isinstance(outcome, str):
        return iter([outcome, "-", "-"])
    stall = f"{outcome['stall'] * 1e3:.1f} ms" if outcome["stall"] else "-"
    lost = f"{outcome['lost']:,} of {outcome['made']:,}"
    if outcome.get("too_many"):
        lost = f"{outcome['received']:,} counted of {outcome['made']:,}"
    return iter([lost, stall, f"{outcome['exit']:.2f} s"])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in enumerate(zip(cells, widths))
    ]
    return "| " + " | ".join(padded) + " |"
