"""`opentelemetry-bootstrap`: proposes or installs the instrumentations of the libraries that are installed here."""

from __future__ import annotations

import argparse
import logging
import sys
from subprocess import PIPE, CalledProcessError, SubprocessError, check_call
from subprocess import run as run_process
from typing import Any, Callable, Iterable, Iterator, Mapping

from opentelemetry.instrumentation._requirement import Requirement
from opentelemetry.instrumentation.bootstrap_gen import default_instrumentations as gen_default_instrumentations
from opentelemetry.instrumentation.bootstrap_gen import libraries as gen_libraries
from opentelemetry.instrumentation.version import __version__
from opentelemetry.util._importlib_metadata import PackageNotFoundError, version

logger = logging.getLogger(__name__)

_Libraries = Iterable[Mapping[str, str]]


def run(default_instrumentations: list[str] | None = None, libraries: list[dict[str, str]] | None = None) -> None:
    """The command `opentelemetry-bootstrap`.

    `libraries` (dicts with the keys `library` and `instrumentation`) and `default_instrumentations`, which are proposed
    always, replace this release's own lists.
    """
    actions: dict[str, Callable[[Iterable[str], _Libraries], None]] = {
        "install": _run_install,
        "requirements": _run_requirements,
    }
    parser = argparse.ArgumentParser(
        description="Finds the instrumentation packages for the libraries that are installed here."
    )
    parser.add_argument("--version", action="version", version="%(prog)s " + __version__, help="print the version")
    parser.add_argument(
        "-a",
        "--action",
        choices=list(actions),
        default="requirements",
        help="install: install them with pip; requirements (default): print them, as for a requirements.txt",
    )
    arguments = parser.parse_args()
    actions[arguments.action](
        gen_default_instrumentations if default_instrumentations is None else default_instrumentations,
        gen_libraries if libraries is None else libraries,
    )


def _run_requirements(default_instrumentations: Iterable[str], libraries: _Libraries) -> None:
    # The output may be a requirements file.
    logger.setLevel(logging.ERROR)
    print("\n".join(_find_installed_libraries(default_instrumentations, libraries)))


def _run_install(default_instrumentations: Iterable[str], libraries: _Libraries) -> None:
    for package in _find_installed_libraries(default_instrumentations, libraries):
        _sys_pip_install(package)
    _pip_check(libraries)


def _find_installed_libraries(default_instrumentations: Iterable[str], libraries: _Libraries) -> Iterator[str]:
    """The default instrumentations, and those of the libraries that are installed."""
    yield from default_instrumentations
    for entry in libraries:
        if _is_installed(entry["library"]):
            yield entry["instrumentation"]


def _is_installed(req: str) -> bool:
    requirement = Requirement(req)
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return False
    if requirement.specifier.contains(installed):
        return True
    logger.warning(
        "instrumentation for package %s is available but version %s is installed. Skipping.",
        requirement,
        installed,
    )
    return False


def _sys_pip_install(package: str) -> None:
    # The strategy is said, in case that pip's configuration says another one.
    command = [sys.executable, "-m", "pip", "install", "-U", "--upgrade-strategy", "only-if-needed", package]
    try:
        check_call(command)
    except CalledProcessError as error:
        # The other packages are of use without this one.
        print(error)
    except (SubprocessError, OSError) as error:
        raise RuntimeError(f'Error calling system command "{" ".join(command)}" for package "{package}"') from error


def _pip_check(libraries: Any) -> None:
    """Raises RuntimeError when pip finds that what an instrumentation requires is not what is installed."""
    checked = run_process([sys.executable, "-m", "pip", "check"], stdout=PIPE, text=True, check=False)
    complaints = checked.stdout.lower()
    for entry in libraries:
        if Requirement(entry["instrumentation"]).name in complaints:
            raise RuntimeError(f"Dependency conflict found: {checked.stdout}")
