"""`opentelemetry-instrument`: runs a program with its libraries instrumented, without a change to it.

The command puts this folder first on PYTHONPATH and becomes the program. The program's interpreter, and those that it
starts, import `sitecustomize` from here when they start, which calls `initialize`.
"""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser
from logging import getLogger
from os import environ, execl, getcwd
from os.path import abspath, dirname, pathsep
from re import sub
from shutil import which

from opentelemetry.instrumentation.auto_instrumentation._load import (
    _load_configurators,
    _load_distro,
    _load_instrumentors,
)
from opentelemetry.instrumentation.environment_variables import (
    OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH,
)
from opentelemetry.instrumentation.utils import _python_path_without_directory
from opentelemetry.instrumentation.version import __version__
from opentelemetry.util._importlib_metadata import entry_points

_logger = getLogger(__name__)

# What a shell says for a command that is not there, and for one that cannot be run.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def run() -> None:
    """The command `opentelemetry-instrument`. Does not return when the program can be started."""
    variables = _variables_by_flag()
    parser = _parser(variables)
    arguments = parser.parse_args()
    for flag, variable in variables.items():
        value = getattr(arguments, flag)
        if value is not None:
            environ[variable] = value
    environ["PYTHONPATH"] = _python_path()
    command = which(arguments.command) or arguments.command
    try:
        execl(command, command, *arguments.command_args)
    except OSError as error:
        print(f"{parser.prog}: {arguments.command}: {error.strerror}", file=sys.stderr)
        sys.exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def _parser(variables: dict[str, str]) -> ArgumentParser:
    parser = ArgumentParser(
        description="Runs a Python program with OpenTelemetry set up and its libraries instrumented.",
        epilog=(
            "Each option but --help and --version is an environment variable in lower case without its OTEL_ or"
            " OTEL_PYTHON_: --attribute_value_length_limit is OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT. For the program, an"
            " option replaces the variable."
        ),
    )
    for flag in variables:
        parser.add_argument(f"--{flag}", required=False)
    parser.add_argument("--version", action="version", version="%(prog)s " + __version__, help="print the version")
    parser.add_argument("command", help="the program, such as python, gunicorn or flask")
    parser.add_argument("command_args", nargs=REMAINDER, help="the program's own arguments")
    return parser


def _variables_by_flag() -> dict[str, str]:
    """The variables that the modules of the entry point group `opentelemetry_environment_variables` name."""
    variables: dict[str, str] = {}
    for entry_point in entry_points(group="opentelemetry_environment_variables"):
        for name in dir(entry_point.load()):
            if name.startswith("OTEL_"):
                # Several modules, and several distributions, may name the same one.
                variables.setdefault(sub(r"OTEL_(PYTHON_)?", "", name).lower(), name)
    return variables


def _python_path() -> str:
    """PYTHONPATH with this folder first, once, and with the working directory, where a program's own modules may
    lie."""
    here = dirname(abspath(__file__))
    inherited = environ.get("PYTHONPATH")
    paths = [path for path in inherited.split(pathsep) if path != here] if inherited else []
    if getcwd() not in paths:
        paths.insert(0, getcwd())
    return pathsep.join([here, *paths])


def initialize(*, swallow_exceptions: bool = True) -> None:
    """Sets up OpenTelemetry and instruments the libraries that are there, as `opentelemetry-instrument` does.

    Programs call it first of all, before they import those libraries. What goes wrong is logged, and raised only with
    `swallow_exceptions=False`.
    """
    here = dirname(abspath(__file__))
    inherited = environ.get("PYTHONPATH")
    # Interpreters that setting up starts must not set up in their turn, and start others without an end.
    if inherited is not None:
        environ["PYTHONPATH"] = _python_path_without_directory(inherited, here, pathsep)
    try:
        _initialize(swallow_exceptions=swallow_exceptions)
    finally:
        if inherited is not None and here in inherited.split(pathsep):
            paths = environ.get("PYTHONPATH", "")
            if here not in paths.split(pathsep):
                environ["PYTHONPATH"] = pathsep.join([here, paths]) if paths else here


def _initialize(*, swallow_exceptions: bool = True) -> None:
    patch = environ.get(OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH)
    if patch is not None:
        _patch_with_gevent(patch, swallow_exceptions)
    try:
        distro = _load_distro()
        distro.configure()
        _load_configurators()
        _load_instrumentors(distro)
    except Exception:
        _logger.exception("Failed to auto initialize OpenTelemetry")
        if not swallow_exceptions:
            raise


def _patch_with_gevent(patch: str, swallow_exceptions: bool) -> None:
    if patch != "patch_all":
        _logger.error("%s value must be `patch_all`", OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH)
        return
    try:
        from gevent import monkey

        monkey.patch_all()
    except ImportError:
        _logger.exception("Failed to monkey patch with gevent because gevent is not available")
        if not swallow_exceptions:
            raise
