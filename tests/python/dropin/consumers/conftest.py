"""Released packages that build on OpenTelemetry, each in a virtual environment of its own, with ferrotel and with the
official packages that it depends on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from ferrotel import _native

from ..conftest import Environment

HERE = Path(__file__).parent

Run = Callable[..., Any]
Install = Callable[[str], Environment]


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What all the environments take, fetched once: asking an index is most of what an installation costs."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    pins = {line for file in HERE.glob("requirements-*.txt") for line in file.read_text().splitlines()}
    wanted = folder / "requirements.txt"
    wanted.write_text("\n".join(sorted(pin for pin in pins if pin and not pin.startswith("#"))))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    # Built here where there is only a source distribution.
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), "--requirement", str(wanted)], check=True)
    return folder


@pytest.fixture(scope="session")
def install(new_environment: Callable[[], Environment], wheel: Path, wheelhouse: Path) -> Install:
    """Makes the environment of a package: all that `requirements-<package>.txt` pins, and ferrotel."""

    def install_(package: str) -> Environment:
        environment = new_environment()
        pins = ["--requirement", str(HERE / f"requirements-{package}.txt")]
        offline = ["--no-index", "--find-links", str(wheelhouse), "--no-deps", "--no-compile"]
        environment.pip("install", *offline, *pins, str(wheel))
        return environment

    return install_


@pytest.fixture
def receiver() -> Iterator[Any]:
    """Our OTLP receiver."""
    with _native.ViewServer() as server:
        yield server


@pytest.fixture
def run() -> Run:
    """Runs a program of `programs/` in an environment; what it printed, as JSON. It must have run on ferrotel."""

    def run_(environment: Environment, program: str, **environ: str) -> Any:
        result = environment.run(str(HERE / "programs" / program), **environ)
        assert result.returncode == 0, result.stderr
        # An export that failed is logged, not raised.
        assert "Traceback" not in result.stderr, result.stderr
        told = json.loads(result.stdout.splitlines()[-1])
        assert told["official"] == "1.45.1"
        assert [file for file in told["files"] if environment.overlay not in Path(file).parents] == []
        assert told["native_spans"]
        return told

    return run_
