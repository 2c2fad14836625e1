"""Plots as SVG, without a library: points on a logarithmic axis, and bars.

Light and dark follow the reader's setting. What belongs to whom is said by colour (Okabe and Ito's, which the
colour-blind tell apart too), by shape and by the numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Sequence
from xml.sax.saxutils import escape

FERROTEL, OFFICIAL, RUST = "ferrotel", "official", "rust"
NAMES = {FERROTEL: "ferrotel", OFFICIAL: "official Python SDK", RUST: "official Rust SDK"}

WIDTH = 900
LABELS = 340
"""Where the axis begins; the rows' names end before it."""
RIGHT = 870
ROW = 24
# Of a letter in the plots' font, on average and a little more.
LETTER = 6.7

STYLE = """\
text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.muted { fill: #59636e }
.paper { fill: #ffffff }
.grid { stroke: #d1d9e0 }
.span { stroke: #818b98 }
.ferrotel { fill: #0072b2 }
.official { fill: #d55e00 }
.rust { fill: #009e73 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .muted { fill: #9198a1 }
  .paper { fill: #0d1117 }
  .grid { stroke: #3d444d }
  .span { stroke: #656c76 }
  .ferrotel { fill: #56b4e9 }
  .official { fill: #e69f00 }
  .rust { fill: #2fbf8f }
}"""


class Line(NamedTuple):
    """A row of a plot: who takes how much."""

    title: str
    values: dict[str, float]


class Panel(NamedTuple):
    """Bars with an axis of their own."""

    title: str
    unit: str
    lines: Sequence[Line]


def points(title: str, note: str, lines: Sequence[Line]) -> str:
    """Each row's values in nanoseconds as points on one logarithmic axis."""
    values = [value for line in lines for value in line.values.values()]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def place(value: float) -> float:
        return LABELS + (math.log10(value) - low) / (high - low) * (RIGHT - LABELS)

    top = 84
    bottom = top + ROW * len(lines)
    names = [name for name in NAMES if any(name in line.values for line in lines)]
    body = legend(names, 48)
    for power in range(low, high + 1):
        x = place(10.0**power)
        body.append(f'<path class="grid" d="M{x:.1f} {top - 8}V{bottom}"/>')
        body.append(text(x, bottom + 18, duration(10.0**power), "muted", "middle"))
    for number, line in enumerate(lines):
        y = top + ROW * number + ROW / 2 - 4
        body.append(text(LABELS - 14, y + 4, line.title, anchor="end"))
        ends = sorted(line.values.values())
        body.append(f'<path class="span" d="M{place(ends[0]):.1f} {y:g}H{place(ends[-1]):.1f}"/>')
        for name, value in line.values.items():
            body.append(mark(name, place(value), y, f"{line.title}, {NAMES[name]}: {duration(value)}"))
    return picture(title, note, body, bottom + 44)


def bars(title: str, note: str, panels: Sequence[Panel]) -> str:
    """Each panel's values as bars from nought, with their numbers."""
    names = [name for name in NAMES if any(name in line.values for panel in panels for line in panel.lines)]
    body = legend(names, 48)
    y = 84.0
    for panel in panels:
        body.append(text(20, y + 4, panel.title, "muted"))
        y += 16
        highest = max(value for line in panel.lines for value in line.values.values())
        for line in panel.lines:
            middle = y + 9 * len(line.values) + 4
            body.append(text(LABELS - 14, middle, line.title, anchor="end"))
            for name, value in line.values.items():
                width = max(value / highest * (RIGHT - LABELS - 90), 1.5)
                said = f"{number(value)} {panel.unit}"
                body.append(
                    f'<rect class="{name}" x="{LABELS}" y="{y:g}" width="{width:.1f}" height="14" rx="2">'
                    f"<title>{escape(f'{line.title}, {NAMES[name]}: {said}')}</title></rect>"
                )
                body.append(text(LABELS + width + 6, y + 11, said))
                y += 18
            y += 8
        y += 10
    return picture(title, note, body, y + 16)


def picture(title: str, note: str, body: Sequence[str], height: float) -> str:
    spoken = escape(title, {'"': "&quot;"})
    size = f'viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}" height="{height:g}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{spoken}">',
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="paper" width="{WIDTH}" height="{height:g}"/>',
            text(20, 28, title, "title"),
            *body,
            text(20, height - 8, note, "muted"),
            "</svg>\n",
        ]
    )


def legend(names: Sequence[str], y: float) -> list[str]:
    found = []
    x = 26.0
    for name in names:
        found += [mark(name, x, y), text(x + 12, y + 4, NAMES[name])]
        x += 44 + LETTER * len(NAMES[name])
    return found


def mark(name: str, x: float, y: float, title: str = "") -> str:
    """A circle, a square, a diamond."""
    said = f"<title>{escape(title)}</title>" if title else ""
    if name == FERROTEL:
        return f'<circle class="{name}" cx="{x:.1f}" cy="{y:g}" r="6">{said}</circle>'
    if name == OFFICIAL:
        return f'<rect class="{name}" x="{x - 5:.1f}" y="{y - 5:g}" width="10" height="10">{said}</rect>'
    return f'<path class="{name}" d="M{x:.1f} {y - 7:g}l7 7l-7 7l-7 -7z">{said}</path>'


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "") -> str:
    attributes = (f' class="{kind}"' if kind else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:.1f}" y="{y:g}"{attributes}>{escape(said)}</text>'


def duration(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{number(nanoseconds / size)} {unit}"
    return f"{number(nanoseconds)} ns"


def number(value: float) -> str:
    """Three digits or so."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
