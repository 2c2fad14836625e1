"""The table, which is Markdown too."""

from __future__ import annotations

from typing import Iterator, Sequence

from .running import Case, Outcome

HEADER = ("Case", "Made", "Received", "Lost", "Largest stall", "Exit", "Official: lost", "stall", "exit")


def table(cases: Sequence[Case], outcomes: Sequence[dict[str, Outcome | None]]) -> str:
    """One line per case."""
    rows = [HEADER, *(_row(case, outcome) for case, outcome in zip(cases, outcomes))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [_line(row, widths) for row in rows]
    rule = "|".join("-" * (width + 2) for width in widths)
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]])


def _row(case: Case, outcome: dict[str, Outcome | None]) -> tuple[str, ...]:
    return (f"{case.group}: {case.name}", *_ours(outcome.get("ferrotel")), *_theirs(outcome.get("official")))


def _ours(outcome: Outcome | None) -> Iterator[str]:
    if outcome is None:
        return iter(["-"] * 5)
    return iter([str(outcome.made), str(outcome.received), str(outcome.lost), _stall(outcome), _exit(outcome)])


def _theirs(outcome: Outcome | None) -> Iterator[str]:
    if outcome is None:
        return iter(["-"] * 3)
    return iter([f"{outcome.lost} of {outcome.made}", _stall(outcome), _exit(outcome)])


def _stall(outcome: Outcome) -> str:
    return f"{outcome.stall * 1e3:.1f} ms" if outcome.stall else "-"


def _exit(outcome: Outcome) -> str:
    return f"{outcome.exit:.2f} s"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in enumerate(zip(cells, widths))
    ]
    return "| " + " | ".join(padded) + " |"
