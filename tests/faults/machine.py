"""Where figures were taken, and of what."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path


def machine(profile: str, official: str | None) -> dict[str, str]:
    """For a table's caption. `profile`: cargo's, of ferrotel's build; `official`: the interpreter beside it, if any."""
    return {
        "date": datetime.date.today().isoformat(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "processor": f"{os.cpu_count()} processors, {_model()}",
        "ferrotel": f"ferrotel {_version(sys.executable, 'ferrotel')}, profile {profile}",
        "official": f"opentelemetry-sdk {_version(official, 'opentelemetry-sdk')}" if official else "none",
    }


def _model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(python: str, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
