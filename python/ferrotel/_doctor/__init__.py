"""`python -m ferrotel doctor`: what is in effect here, and what is wrong with it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from typing import TextIO

import ferrotel
from ferrotel import _activate
from ferrotel._doctor import endpoint, environment, resolution, spool
from ferrotel._doctor.findings import Findings


def main(argv: list[str]) -> int:
    """Print the report on stdout. Returns 0 when nothing is wrong, 1 when something is, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="python -m ferrotel doctor", description=__doc__)
    parser.add_argument("--offline", action="store_true", help="do not try the configured endpoint")
    parser.add_argument(
        "--timeout",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="for each step of trying the endpoint (default: 2)",
    )
    options = parser.parse_args(argv)

    findings = Findings()
    _header(sys.stdout)
    resolution.report(findings, sys.stdout)
    environment.report(os.environ, findings, sys.stdout)
    spool.report(os.environ, findings, sys.stdout)
    if not options.offline:
        endpoint.report(os.environ, options.timeout, findings, sys.stdout)
    findings.report(sys.stdout)
    return 1 if findings.problems else 0


def _header(out: TextIO) -> None:
    out.write(f"ferrotel {ferrotel.__version__} on {platform.python_implementation()} {platform.python_version()}\n")
    out.write(f"  {sys.executable}\n")
    if _activate.disabled():
        out.write(f"  {_activate.DISABLED_VARIABLE} is set: the official packages are to be in effect\n")
