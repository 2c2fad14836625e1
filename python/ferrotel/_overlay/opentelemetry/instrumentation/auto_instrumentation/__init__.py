"""`opentelemetry-instrument`: runs a program with its libraries instrumented, without a change to it.

The command puts this folder first on PYTHONPATH and becomes the program. The program's interpreter, and those that it
starts, import `sitecustomize` from here when they start, which calls `initialize`.
"""

from __future__ import annotations

import sys
from os import X_OK, access, environ, execl, get_exec_path, getcwd
from os import name as _system
from os.path import abspath, dirname, isfile, join, pathsep

from opentelemetry.instrumentation.environment_variables import (
    OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH,
)
from opentelemetry.instrumentation.version import __version__

# Type checkers take this name to be true. The command imports nothing but what it needs: it is a start of an
# interpreter that comes on top of the program's.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

# What a shell says for a command that is not there, and for one that cannot be run.
_NOT_FOUND, _NOT_EXECUTABLE = 127, 126


def run() -> None:
    """The command `opentelemetry-instrument`. Does not return when the program can be started."""
    program, *program_arguments = _arguments()
    environ["PYTHONPATH"] = _python_path()
    command = which(program) or program
    try:
        execl(command, command, *program_arguments)
    except OSError as error:
        print(f"{sys.argv[0].rpartition('/')[2]}: {program}: {error.strerror}", file=sys.stderr)
        sys.exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE)


def _arguments() -> list[str]:
    """The program and its arguments; the options before them are put into the environment."""
    if len(sys.argv) > 1 and sys.argv[1] and not sys.argv[1].startswith("-"):
        # Without an option there is nothing to read, and reading takes as long as all the rest.
        return sys.argv[1:]
    variables = _variables_by_flag()
    arguments = _parser(variables).parse_args()
    for flag, variable in variables.items():
        value = getattr(arguments, flag)
        if value is not None:
            environ[variable] = value
    return [arguments.command, *arguments.command_args]


def which(program: str) -> str | None:
    """The program's path, as `shutil.which` finds it, without what that imports."""
    if _system != "posix":
        import shutil

        return shutil.which(program)
    paths = [program] if dirname(program) else [join(folder, program) for folder in get_exec_path()]
    return next((path for path in paths if isfile(path) and access(path, X_OK)), None)


def _parser(variables: dict[str, str]) -> ArgumentParser:
    from argparse import REMAINDER, ArgumentParser

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
    from re import sub

    from opentelemetry.util._importlib_metadata import entry_points

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
        from opentelemetry.instrumentation.utils import _python_path_without_directory

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
    this: Any = sys.modules[__name__]
    try:
        # Through the module: a program, or a test, may have put something else there.
        distro = this._load_distro()
        distro.configure()
        this._load_configurators()
        this._load_instrumentors(distro)
    except Exception:
        _logging().exception("Failed to auto initialize OpenTelemetry")
        if not swallow_exceptions:
            raise


def _patch_with_gevent(patch: str, swallow_exceptions: bool) -> None:
    if patch != "patch_all":
        _logging().error("%s value must be `patch_all`", OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH)
        return
    try:
        from gevent import monkey

        monkey.patch_all()
    except ImportError:
        _logging().exception("Failed to monkey patch with gevent because gevent is not available")
        if not swallow_exceptions:
            raise


def _logging() -> Any:
    return sys.modules[__name__]._logger


def __getattr__(name: str) -> Any:
    if name == "_logger":
        from logging import getLogger

        return getLogger(__name__)
    if name == "REMAINDER":
        import argparse

        return argparse.REMAINDER
    if name in ("_load_configurators", "_load_distro", "_load_instrumentors"):
        from opentelemetry.instrumentation.auto_instrumentation import _load

        return getattr(_load, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
