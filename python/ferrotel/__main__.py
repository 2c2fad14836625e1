"""The command line: `python -m ferrotel doctor` and `python -m ferrotel view`."""

from __future__ import annotations

import os
import sys

_HELP = """\
usage: python -m ferrotel COMMAND [OPTIONS]

commands:
  doctor   which implementation each opentelemetry name resolves to, what the environment configures,
           and whether the configured endpoint answers
  view     receive OTLP on this machine and show arriving traces in the terminal

python -m ferrotel COMMAND --help tells a command's options.
"""


def main(argv: list[str]) -> int:
    """Run the command that `argv` (without the program's name) asks for and return its exit code."""
    command, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    if command in ("-h", "--help", "help"):
        sys.stdout.write(_HELP)
        return 0
    if command == "doctor":
        from ferrotel import _doctor

        return _doctor.main(rest)
    if command == "view":
        from ferrotel import _view

        return _view.main(rest)
    sys.stderr.write(f"ferrotel: there is no command {command!r}\n\n{_HELP}")
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:
        # Who reads the report has seen enough, as `head` does. The interpreter's last flush need not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
