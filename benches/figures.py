"""What the published figures look like: the README's tables, and the plots."""

from __future__ import annotations

from typing import Any, Dict, Iterator

import plots
from plots import FERROTEL, OFFICIAL, RUST, Line, Panel

Summary = Dict[str, Any]
"""By kind of run: what it was made on (`facts`), and the figures (`rows`)."""

# The same machine and interpreter: what has to be equal before single rows are replaced.
PLACE = ("processor", "cores", "python", "system")

CONTENDERS = {FERROTEL: "ferrotel", OFFICIAL: "official", RUST: "official-rust"}
PLOTTED = (
    "bare attributes_4 event exception start_end non_recording extract inject encode counter_add counter_add_2 "
    "histogram_record histogram_record_2 logger_emit logger_emit_2 logging_handler"
).split()
TITLES = {
    "bare": "`with start_as_current_span`",
    "attributes_4": "... and 4 `set_attribute`",
    "event": "... and `add_event`",
    "child": "... in another span",
    "exception": "... left by an exception",
    "start_end": "`start_span`, `end`",
    "non_recording": "a span that is not sampled",
    "set_attribute": "`set_attribute`",
    "is_recording": "`get_current_span().is_recording()`",
    "attach_detach": "`attach`, `detach`",
    "extract": "`extract` of a `traceparent`",
    "extract_all": "... + `tracestate` and `baggage`",
    "inject": "`inject` of a `traceparent`",
    "inject_all": "... + `tracestate` and `baggage`",
    "encode": "512 spans to OTLP bytes",
    "counter_add": "`counter.add(1)`",
    "counter_add_2": "... with 2 attributes",
    "counter_add_2_kept": "... in a dict that is kept",
    "counter_add_5": "... with 5 attributes",
    "histogram_record": "`histogram.record(12.5)`",
    "histogram_record_2": "... with 2 attributes",
    "histogram_record_5": "... with 5 attributes",
    "logger_emit": "`Logger.emit`",
    "logger_emit_2": "... with 2 attributes",
    "logger_emit_record": "... of a `LogRecord` with 2",
    "logging_handler": "what `LoggingHandler` adds to `logging.info`",
}
START = {
    "import": "`import` of `TracerProvider` and the gRPC exporter",
    "configure": "... and making them",
    "instrument": "`opentelemetry-instrument python -c pass`",
}
MEMORY = {
    "live_span": "a live span",
    "live_span_4": "... with 4 attributes",
    "queued_span": "a queued span",
    "queued_span_4": "... with 4 attributes",
    "queued_log_record": "a queued log record, 2 attributes",
    "counter_series": "a counter's series, 2 attributes",
    "histogram_series": "a histogram's series, 2 attributes",
}


TITLES_OF_PLOTS = {
    "operations": "CPU time of one operation",
    "startup": "Starting, on top of a bare interpreter",
    "memory": "Memory of what is kept",
    "web": "CPU time added to a web request",
    "pipeline": "Spans from Python to a receiver",
}


def block(summary: Summary) -> Iterator[str]:
    if "operations" in summary:
        section = summary["operations"]
        yield (
            f"{sentence(section['facts'], has_rust(section))} CPU time of the calling thread, both Python SDKs with"
            " OTLP over HTTP to the same receiver; the ratio's quartiles in brackets."
            + (" The Rust SDK exports nothing." if has_rust(section) else "")
        )
        yield ""
        yield "| | ferrotel, ns | official Python, ns | times cheaper | ... than without export | official Rust, ns |"
        yield "|---|---|---|---|---|---|"
        for name in TITLES:
            if name in section["rows"]:
                yield operation(name, section["rows"][name], section["facts"])
        yield ""
    for table in (start_table, memory_table, web_table, pipeline_table):
        yield from table(summary)
    if "series" in summary:
        yield from series_lines(summary["series"])
    if "operations" in summary:
        yield "![CPU time of one operation](docs/plots/operations.svg)"


def sentence(facts: dict[str, Any], with_rust: bool = False) -> str:
    rust = f", Rust's opentelemetry_sdk {facts['rust']}" if with_rust else ""
    return (
        f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, {facts['system']}; CPython {facts['python']},"
        f" ferrotel {facts['ferrotel']} (release wheel), opentelemetry-sdk {facts['official']}{rust}."
    )


def operation(name: str, row: Any, facts: dict[str, Any]) -> str:
    ns = row["ns"]
    later = "" if row["date"] == facts["date"] else f" ({row['date']})"
    middle, low, high = row["times"]
    unexported = row["times, nothing exported"]
    rust = ns.get("official-rust")
    text = f"{rust:,.0f}" if rust else ""
    if ns.get("official-rust-owned"):
        text += f" (owned strings: {ns['official-rust-owned']:,.0f})"
    cells = (
        f"{TITLES[name]}{later}",
        f"{ns['ferrotel']:,.0f}",
        f"{ns['official']:,.0f}",
        f"{middle:.1f} ({low:.0f}-{high:.0f})",
        f"{unexported:.1f}" if unexported else "",
        text,
    )
    return f"| {' | '.join(cells)} |"


def table_of(head: str, lines: list[tuple[str, float, float, str]], note: str) -> Iterator[str]:
    if not lines:
        return
    yield f"| {head} | ferrotel | official Python | times less |"
    yield "|---|---|---|---|"
    for title, ours, theirs, times in lines:
        yield f"| {title} | {plots.number(ours)} | {plots.number(theirs)} | {times} |"
    yield ""
    yield note
    yield ""


def times(ours: float, theirs: float) -> str:
    return f"{theirs / ours:.1f}" if ours > 0 else ""


def start_table(summary: Summary) -> Iterator[str]:
    section = summary.get("startup")
    if not section:
        return
    lines = []
    for name, title in START.items():
        of = section["rows"].get(name)
        if of:
            for field, unit in (("cpu", "ms of CPU"), ("memory", "MB")):
                ours, theirs = of[FERROTEL][field], of[OFFICIAL][field]
                lines.append((f"{title}, {unit}", ours, theirs, times(ours, theirs)))
    disk = section["rows"]["installed"]
    ours, theirs = disk[FERROTEL]["bytes"] / 1e6, disk[OFFICIAL]["bytes"] / 1e6
    lines.append(("on disk, MB", ours, theirs, times(ours, theirs)))
    counts = [disk[name]["distributions"] for name in (FERROTEL, OFFICIAL)]
    lines.append(("distributions", *counts, times(*counts)))
    yield from table_of("Starting", lines, f"{other_run(summary, section)}Less what a bare interpreter takes.")


def memory_table(summary: Summary) -> Iterator[str]:
    section = summary.get("memory")
    if not section:
        return
    lines = [
        (title, of[FERROTEL], of[OFFICIAL], times(of[FERROTEL], of[OFFICIAL]))
        for name, title in MEMORY.items()
        if (of := section["rows"].get(name))
    ]
    yield from table_of(
        "Bytes of memory", lines, f"{other_run(summary, section)}Growth of the resident set (`benches/memory.py`)."
    )


def web_table(summary: Summary) -> Iterator[str]:
    section = summary.get("web")
    if not section:
        return
    lines = [
        (name, 1e3 * of[FERROTEL], 1e3 * of[OFFICIAL], f"{of['ratio']:.1f}") for name, of in section["rows"].items()
    ]
    note = f"{other_run(summary, section)}Of the server's process, all threads; OTLP over gRPC (`benches/web.py`)."
    yield from table_of("µs of CPU added to a request", lines, note)


def pipeline_table(summary: Summary) -> Iterator[str]:
    section = summary.get("pipeline")
    if not section:
        return
    lines = []
    for name, of in section["rows"].items():
        if OFFICIAL in of and of.get("times"):
            ours, theirs = of[FERROTEL]["CPU, us"], of[OFFICIAL]["CPU, us"]
            lines.append((name, ours, theirs, f"{of['times']:.1f}"))
    note = (
        f"{other_run(summary, section)}Four attributes each, made as fast as it goes; of the whole process, making and"
        " exporting (`benches/pipeline.py`)."
    )
    yield from table_of("µs of CPU for a delivered span", lines, note)


def series_lines(section: Any) -> Iterator[str]:
    rows, facts = section["rows"], section["facts"]
    took, gap = rows["collect and export, ms"], rows["largest gap, ms"]
    yield (
        f"Collecting and exporting {facts['series']:,} metric series took {took[FERROTEL]:,.0f} ms, in which a Python"
        f" thread that ticks each millisecond was held up for {gap[FERROTEL]:,.0f} ms at most; the official SDK took"
        f" {took[OFFICIAL] / 1e3:.1f} s and held it up for {gap[OFFICIAL]:,.0f} ms (`benches/series.py`)."
    )
    yield ""


def other_run(summary: Summary, section: Any) -> str:
    """Says what it was measured on, where that is not what the first table says."""
    first = summary.get("operations", {}).get("facts", {})
    facts = section["facts"]
    return "" if all(facts.get(name) == first.get(name) for name in ("date", *PLACE)) else sentence(facts) + " "


def pictures(summary: Summary) -> Iterator[tuple[str, str]]:
    if "operations" in summary:
        section = summary["operations"]
        lines = []
        for name in PLOTTED:
            row = section["rows"].get(name)
            if row:
                found = {who: row["ns"].get(contender) for who, contender in CONTENDERS.items()}
                values = {who: value for who, value in found.items() if value}
                lines.append(Line(TITLES[name].replace("`", ""), values))
        yield "operations", plots.points(TITLES_OF_PLOTS["operations"], note_of(section), lines)
    if "startup" in summary:
        section = summary["startup"]
        yield (
            "startup",
            plots.bars(
                TITLES_OF_PLOTS["startup"],
                note_of(section),
                [
                    Panel(title, unit, [compared(START[name], section["rows"][name], field) for name in START])
                    for title, unit, field in (("CPU time", "ms", "cpu"), ("Resident memory", "MB", "memory"))
                ],
            ),
        )
    if "memory" in summary:
        section = summary["memory"]
        rows = section["rows"]
        lines = [compared(title, rows[name]) for name, title in MEMORY.items() if name in rows]
        yield "memory", plots.bars(TITLES_OF_PLOTS["memory"], note_of(section), [Panel("Each", "bytes", lines)])
    if "web" in summary:
        section = summary["web"]
        lines = [
            Line(name, {who: 1e3 * of[who] for who in (FERROTEL, OFFICIAL)}) for name, of in section["rows"].items()
        ]
        yield "web", plots.bars(TITLES_OF_PLOTS["web"], note_of(section), [Panel("Each", "µs", lines)])
    if "pipeline" in summary:
        section = summary["pipeline"]
        both = {name: of for name, of in section["rows"].items() if of.get("times") and OFFICIAL in of}
        yield (
            "pipeline",
            plots.bars(
                TITLES_OF_PLOTS["pipeline"],
                note_of(section),
                [
                    Panel(title, unit, [compared(name, of, field) for name, of in both.items()])
                    for title, unit, field in (
                        ("CPU time for a delivered span", "µs", "CPU, us"),
                        ("Delivered in a second", "spans", "delivered/s"),
                    )
                ],
            ),
        )


def compared(title: str, of: Any, field: str = "") -> Line:
    values = {who: of[who][field] if field else of[who] for who in (FERROTEL, OFFICIAL)}
    return Line(title.replace("`", ""), values)


def has_rust(section: Any) -> bool:
    return any("official-rust" in row.get("ns", ()) for row in section["rows"].values())


def note_of(section: Any) -> str:
    facts = section["facts"]
    rust = f", Rust SDK {facts['rust']}" if has_rust(section) else ""
    return (
        f"{facts['date']}, {facts['processor']}, {facts['cores']} cores, CPython {facts['python']},"
        f" opentelemetry-sdk {facts['official']}{rust}"
    )
