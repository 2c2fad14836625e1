"""The environment of the official packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def official_python(base: str) -> str:
    """The interpreter of an environment that holds what official.txt pins, made with the interpreter `base`."""
    requirements = HERE / "official.txt"
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run([base, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    home = ROOT / "build" / "faults" / version
    stamp = home / "requirements.txt"
    python = home / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        print(f"faults: setting up {home.relative_to(ROOT)}", file=sys.stderr, flush=True)
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(home)], check=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
        subprocess.run([*pip, "-r", str(requirements)], check=True, stdout=sys.stderr)
        shutil.copy(requirements, stamp)
    # Not resolved: the link is what makes an environment.
    return os.path.abspath(python)
