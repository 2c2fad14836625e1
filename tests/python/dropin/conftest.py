"""Real virtual environments with ferrotel's wheel and the official packages in them, made once per session."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PINS = HERE / "official.txt"

API_AND_SDK = ["opentelemetry-api", "opentelemetry-sdk"]
OFFICIAL = [*API_AND_SDK, "opentelemetry-exporter-otlp"]
ASYNCPG = ["opentelemetry-instrumentation-asyncpg", "asyncpg"]


class Environment:
    """A virtual environment, and what tests do with one."""

    def __init__(self, path: Path) -> None:
        # Without a pip of its own, which takes seconds to set up: the tests' pip serves all.
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(path)], check=True)
        self.python = path / "bin" / "python"
        self.site_packages = next(path.glob("lib/python*/site-packages"))

    def pip(self, *arguments: str) -> None:
        """Run pip, which takes official packages at the pinned versions."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *arguments], check=True, env={**os.environ, "PIP_CONSTRAINT": str(PINS)})

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the interpreter, away from the source tree."""
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=str(self.site_packages.parent),
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def output(self, code: str, **environ: str) -> str:
        """What a program prints that must end well and say nothing on stderr."""
        result = self.run("-W", "error", "-c", code, **environ)
        assert (result.returncode, result.stderr) == (0, "")
        return result.stdout.strip()

    def file_of(self, module: str, **environ: str) -> Path:
        """The file that importing `module` loads."""
        return Path(self.output(f"import {module}; print({module}.__file__)", **environ))

    @property
    def overlay(self) -> Path:
        return self.site_packages / "ferrotel" / "_overlay"

    def hashes(self) -> dict[str, str]:
        """Every file under site-packages except compiled bytecode, and its hash."""
        return {
            str(path.relative_to(self.site_packages)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in self.site_packages.rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the tests' own environment was made from; FERROTEL_WHEEL names another one."""
    given = os.environ.get("FERROTEL_WHEEL")
    if given:
        return Path(given)
    beside = sorted((Path(sys.prefix).parent / "wheel").glob("*.whl"))
    if beside:
        return beside[-1]
    # Not one of python-env.sh's environments, as after `make develop`.
    subprocess.run(["make", "--silent", "build/tools/.stamp"], cwd=str(ROOT), check=True)
    script = [str(ROOT / "scripts/python-env.sh"), sys.executable, "-"]
    python = subprocess.run(script, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return next((ROOT / python).parents[2].glob("wheel/*.whl"))


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Environment]:
    return lambda: Environment(tmp_path_factory.mktemp("dropin") / "venv")


@pytest.fixture(scope="session")
def alone(new_environment: Callable[[], Environment], wheel: Path) -> Environment:
    """ferrotel and nothing else. `--no-index`: it must need nothing."""
    environment = new_environment()
    environment.pip("install", "--no-index", str(wheel))
    return environment


@pytest.fixture(scope="session")
def official_first(new_environment: Callable[[], Environment], wheel: Path) -> Environment:
    """The official API, SDK and exporters, then ferrotel."""
    environment = new_environment()
    environment.pip("install", *OFFICIAL)
    environment.pip("install", str(wheel))
    return environment


@pytest.fixture(scope="session")
def ferrotel_first(new_environment: Callable[[], Environment], wheel: Path) -> Environment:
    """ferrotel, then the official API, SDK and exporters, and an instrumentation of theirs."""
    environment = new_environment()
    environment.pip("install", str(wheel))
    environment.pip("install", *OFFICIAL, *ASYNCPG)
    return environment


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory, alone: Environment, wheel: Path) -> Path:
    """A folder made by `pip install --target`: on PYTHONPATH, its .pth file is not processed."""
    folder = tmp_path_factory.mktemp("target")
    alone.pip("install", "--no-index", "--target", str(folder), str(wheel))
    return folder


@pytest.fixture(scope="session")
def official_only(new_environment: Callable[[], Environment]) -> Environment:
    """The official API and SDK without ferrotel."""
    environment = new_environment()
    environment.pip("install", *API_AND_SDK)
    return environment
