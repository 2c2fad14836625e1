"""``python -m ferrotel view``: receive traces, metrics and logs on this computer and show them in the terminal."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from ferrotel import _native

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_EPILOG = """\
Each trace is a tree, with its log records under the spans that they belong to. Metrics are a table that is redrawn in
its place; where the output is no terminal, each value that changes is a line. A log record whose trace does not arrive
within 6 seconds is a line of its own.

While it runs in a terminal, a + Enter shows or hides attributes, m + Enter the table, and q + Enter (or Ctrl-C) quits.
A program sends its telemetry here without any setting, if its exporters have the default endpoint.
"""


def main(argv: Sequence[str]) -> int:
    """Run the view until the user ends it. Return the exit code: 0, or 2 if it could not start."""
    options = _parser().parse_args(argv)
    _end_on_sigterm()
    try:
        _native.view_run(
            options.grpc_port,
            options.http_port,
            host=options.host,
            attributes=options.attributes,
            color=_color(options.color),
            redraw=_redraw(options.redraw),
            metrics=options.metrics,
            logs=options.logs,
            max_traces=options.max_traces,
            max_spans=options.max_spans,
            max_series=options.max_series,
            max_logs=options.max_logs,
            width=options.width,
            height=options.height,
            interactive=_is_interactive(),
            exit_after=options.exit_after,
        )
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # The reader of a pipe, for example `head`, has seen enough.
        return 0
    except (OSError, ValueError) as error:
        print(f"ferrotel view: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ferrotel view",
        description="Receive traces, metrics and logs by OTLP on this computer and show them in the terminal.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--grpc-port", type=_port, default=4317, metavar="N", help="OTLP over gRPC (4317; 0: any free)")
    parser.add_argument("--http-port", type=_port, default=4318, metavar="N", help="OTLP over HTTP (4318; 0: any free)")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (127.0.0.1); others are refused")
    parser.add_argument("--attributes", action="store_true", help="show attributes from the start")
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="auto: on a terminal, without NO_COLOR"
    )
    parser.add_argument("--no-metrics", dest="metrics", action="store_false", help="do not show metrics")
    parser.add_argument("--no-logs", dest="logs", action="store_false", help="do not show log records")
    parser.add_argument(
        "--redraw", choices=("auto", "always", "never"), default="auto", help="redraw the metrics (on a terminal)"
    )
    parser.add_argument("--width", type=_count, metavar="N", help="columns to use (the terminal's own)")
    parser.add_argument(
        "--height", type=_count, metavar="N", help="lines, half of them for metrics (the terminal's own)"
    )
    parser.add_argument("--max-traces", type=_count, default=1000, metavar="N", help="traces kept in memory (1000)")
    parser.add_argument("--max-spans", type=_count, default=100_000, metavar="N", help="spans kept in memory (100000)")
    parser.add_argument("--max-series", type=_count, default=10_000, metavar="N", help="series kept in memory (10000)")
    parser.add_argument("--max-logs", type=_count, default=10_000, metavar="N", help="log records kept (10000)")
    parser.add_argument("--exit-after", type=_count, metavar="N", help="end after N traces have been shown")
    return parser


def _port(text: str) -> int:
    number = _whole(text)
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text}")
    return number


def _count(text: str) -> int:
    number = _whole(text)
    if not 1 <= number <= sys.maxsize:
        raise argparse.ArgumentTypeError(f"a number from 1 is required, not {text}")
    return number


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a whole number is required, not {text!r}") from None


def _color(choice: str) -> bool | None:
    """Return whether to use colours; None leaves it to the native code, which looks for a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return None


def _redraw(choice: str) -> bool | None:
    """Return whether to move the cursor; None leaves it to the native code, which looks for a terminal."""
    if choice != "auto":
        return choice == "always"
    return False if os.environ.get("TERM") == "dumb" else None


def _is_interactive() -> bool:
    """Return whether commands can be read: a process in the background would be stopped by the attempt."""
    try:
        return os.isatty(0) and (not hasattr(os, "tcgetpgrp") or os.tcgetpgrp(0) == os.getpgrp())
    except OSError:
        return False


def _end_on_sigterm() -> None:
    """Let SIGTERM end the view as Ctrl-C does, with its last line written."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
