"""From the rounds to ratios, a table, and a verdict."""

from __future__ import annotations

from statistics import median, quantiles
from typing import NamedTuple, Sequence

from contenders import Cost


class Row(NamedTuple):
    name: str
    title: str
    target: float | None = None
    """How many times cheaper than the official SDK ferrotel has to be."""
    goal: float | None = None
    """How many times cheaper it is meant to become."""
    pipeline: bool = False
    """Whether what becomes of an ended span is part of the cost."""
    base: str = ""
    """The operation whose cost is subtracted: what remains is what telemetry adds."""


ROWS = (
    Row("bare", "with start_as_current_span", target=22, goal=40, pipeline=True),
    Row("attributes_4", "... and 4 set_attribute", target=22, goal=38, pipeline=True),
    Row("event", "... and add_event", pipeline=True),
    Row("child", "... in another span", pipeline=True),
    Row("exception", "... left by an exception", goal=15, pipeline=True),
    Row("start_end", "start_span, end", goal=60, pipeline=True),
    Row("non_recording", "with, not sampled", goal=25),
    Row("set_attribute", "set_attribute"),
    Row("is_recording", "get_current_span().is_recording()", goal=15),
    Row("attach_detach", "attach, detach"),
    Row("extract", "propagate.extract: traceparent", target=20, goal=30),
    Row("extract_all", "... + tracestate and baggage"),
    Row("inject", "propagate.inject: traceparent", target=8, goal=15),
    Row("inject_all", "... + tracestate and baggage"),
    Row("encode", "512 spans to OTLP", target=100, goal=250),
    Row("counter_add", "counter.add(1)", target=60),
    Row("counter_add_2", "... with 2 attributes", target=35, goal=50),
    Row("counter_add_2_kept", "... in a dict that is kept"),
    Row("counter_add_5", "... with 5 attributes", target=25),
    Row("histogram_record", "histogram.record(12.5)"),
    Row("histogram_record_2", "... with 2 attributes", target=35),
    Row("histogram_record_5", "... with 5 attributes", target=25),
    Row("logger_emit", "Logger.emit", target=20, pipeline=True),
    Row("logger_emit_2", "... with 2 attributes", target=20, pipeline=True),
    Row("logger_emit_record", "... of a LogRecord with 2", pipeline=True),
    Row("logging_plain", "logging.info, NullHandler"),
    Row("logging_handler", "... LoggingHandler, added", target=8, pipeline=True, base="logging_plain"),
)

Rounds = Sequence[Cost]


class Ratio(NamedTuple):
    middle: float
    low: float
    high: float
    """The quartiles of the rounds' ratios."""


def ratio(dividend: Rounds | None, divisor: Rounds | None, clock: str) -> Ratio | None:
    """Of what two contenders took in the same rounds: the median, and the quartiles around it."""
    if not dividend or not divisor:
        return None
    ratios = [getattr(a, clock) / getattr(b, clock) for a, b in zip(dividend, divisor)]
    low, middle, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    return Ratio(middle, low, high)


def net(rounds: dict[str, dict[str, list[Cost]]]) -> dict[str, dict[str, list[Cost]]]:
    """The rounds, less what a row's base took in the middle: the difference of two single turns is mostly noise."""
    bases = {row.name: row.base for row in ROWS if row.base and rounds.get(row.base)}
    return {
        name: {
            contender: [
                Cost(
                    cost.done,
                    cost.wall - median(base.wall for base in rounds[bases[name]][contender]),
                    cost.cpu - median(base.cpu for base in rounds[bases[name]][contender]),
                )
                for cost in costs
            ]
            if name in bases
            else costs
            for contender, costs in of.items()
        }
        for name, of in rounds.items()
    }


def nanoseconds(rounds: Rounds | None, clock: str) -> str:
    return f"{median(getattr(cost, clock) for cost in rounds):,.0f}" if rounds else ""


def table(rounds: dict[str, dict[str, list[Cost]]], clock: str) -> str:
    head = [
        (
            "",
            "ferrotel",
            "official",
            "official /",
            "",
            "",
            "target",
            "official",
            "official /",
            "Rust SDK",
            "ferrotel /",
        ),
        ("", "ns", "ns", "ferrotel", "quartiles", "", "(goal)", "no export", "ferrotel", "ns", "Rust SDK"),
    ]
    lines = [*head, *(line(row, rounds[row.name], clock) for row in ROWS if row.name in rounds)]
    if "official-rust-owned" in rounds.get("attributes_4", {}):
        lines.insert(4, owned(rounds["attributes_4"], clock))
    widths = [max(len(line[column]) for line in lines) for column in range(len(head[0]))]
    text = ("  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines)
    return "\n".join(text)


def line(row: Row, costs: dict[str, list[Cost]], clock: str) -> tuple[str, ...]:
    ours = costs.get("ferrotel")
    times = ratio(costs.get("official"), ours, clock)
    unexported = ratio(costs.get("official-null"), ours, clock)
    rust = ratio(ours, costs.get("official-rust"), clock)
    wanted = " ".join([f"{row.target:g}" if row.target else "", f"({row.goal:g})" if row.goal else ""]).strip()
    return (
        row.title,
        nanoseconds(ours, clock),
        nanoseconds(costs.get("official"), clock),
        f"{times.middle:.1f} x" if times else "",
        f"{times.low:.1f}-{times.high:.1f}" if times else "",
        {True: "missed", False: "ok", None: ""}[missed(row, costs, clock)],
        wanted,
        nanoseconds(costs.get("official-null"), clock),
        f"{unexported.middle:.1f} x" if unexported else "",
        nanoseconds(costs.get("official-rust"), clock),
        f"{rust.middle:.2f}" if rust else "",
    )


def owned(costs: dict[str, list[Cost]], clock: str) -> tuple[str, ...]:
    rust = ratio(costs["ferrotel"], costs["official-rust-owned"], clock)
    ns = nanoseconds(costs["official-rust-owned"], clock)
    return ("    (Rust: owned strings)", *[""] * 8, ns, f"{rust.middle:.2f}" if rust else "")


def missed(row: Row, costs: dict[str, list[Cost]], clock: str) -> bool | None:
    """Whether the target was missed, by either of the two official pipelines; None where there is none."""
    if row.target is None:
        return None
    against = ("official", "official-null") if row.pipeline else ("official",)
    reached = [ratio(costs.get(name), costs.get("ferrotel"), clock) for name in against]
    return any(times is None or times.middle < row.target for times in reached)
