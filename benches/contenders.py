"""The contenders: their environments, and the processes that do the work on command."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple, Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUST_TARGET = ROOT / "target" / "benches"

# The whole of what is measured is configured by the code of the workers.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "FERROTEL_", "PYTHON"))
}
ENVIRONMENT.update(PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1")


class Cost(NamedTuple):
    done: int
    """How many operations."""
    wall: float
    """Nanoseconds on the clock for one operation."""
    cpu: float
    """Nanoseconds of the calling thread's CPU time for one operation."""


class Contender:
    """A process that does operations on command; see `worker.py` for the protocol."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=HERE
        )
        self._answer()

    def turn(self, operation: str, milliseconds: int) -> Cost | None:
        """The operation for about so long; None where this contender has no such operation."""
        return self._ask(f"turn {operation} {milliseconds}")

    def close(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.close()
        self._process.wait(60)

    def _ask(self, command: str) -> Cost | None:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(command + "\n")
        stdin.flush()
        words = self._answer()
        if words[0] == "absent":
            return None
        count, wall, cpu = map(int, words[1:])
        return Cost(count, wall / count, cpu / count)

    def _answer(self) -> list[str]:
        stdout = self._process.stdout
        assert stdout is not None
        line = stdout.readline()
        words = line.split()
        if not words or words[0] not in ("ready", "done", "absent"):
            raise SystemExit(f"benches: {self.name} failed: {line.strip() or 'it ended'}")
        return words


def python_contender(name: str, python: str, pipeline: str, endpoint: str) -> Contender:
    command = [python, str(HERE / "worker.py"), "--pipeline", pipeline, "--endpoint", f"{endpoint}/{name}"]
    return Contender(name, command)


def interpreter(name: str) -> str:
    """The path of an interpreter that was named in one of the ways in which a shell finds it."""
    found = shutil.which(name)
    if not found:
        raise SystemExit(f"benches: there is no interpreter {name}")
    # Not resolved: the link is what makes an environment.
    return os.path.abspath(found)


def official_python(python: str, requirements_file: str = "official.txt") -> str:
    """The interpreter of an environment that holds the official packages, pinned in a file of this folder."""
    requirements = HERE / requirements_file
    home = ROOT / "build" / "bench" / version(python) / requirements.stem
    stamp = home / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        make_environment(python, home, "-r", str(requirements))
        shutil.copy(requirements, stamp)
    return str(home / "bin" / "python")


def ferrotel_python(python: str, requirements: str = "-") -> str:
    """The interpreter of an environment that holds nothing but the optimised wheel of the sources as they are, and what
    a file names."""
    command = ["sh", str(ROOT / "scripts" / "python-env.sh"), python, requirements, "release"]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return str(ROOT / answer.strip())


def make_environment(python: str, home: Path, *packages: str) -> None:
    print(f"benches: setting up {home.relative_to(ROOT)}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    subprocess.run([*pip, *packages], check=True)


def rust_programs() -> tuple[str, str]:
    """The official Rust SDK's program and the engine's, built with the flags of the wheel."""
    return rust_program("official"), rust_program("engine")


def rust_program(name: str) -> str:
    """One of the programs of `rust/`."""
    command = ["cargo", "build", "--quiet", "--release", "--manifest-path", str(HERE / "rust" / "Cargo.toml")]
    subprocess.run([*command, "--target-dir", str(RUST_TARGET), "--bin", name], check=True)
    return str(RUST_TARGET / "release" / name)


def version(python: str) -> str:
    code = 'import sys; print("%d.%d" % sys.version_info[:2])'
    return subprocess.run([python, "-c", code], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
