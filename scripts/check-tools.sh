#!/bin/sh
# Says in one line each which of the tools that every target stands on is missing. Usage: check-tools.sh [PYTHON]
python=${1:-python3}
missing=0

complain() {
    printf 'ferrotel: %s\n' "$1" >&2
    missing=1
}

command -v cargo >/dev/null 2>&1 ||
    complain "cargo is missing. Install Rust 1.88 or newer: https://rustup.rs"
command -v cc >/dev/null 2>&1 || command -v gcc >/dev/null 2>&1 ||
    complain "a C compiler is missing (Rust links with it). Install gcc, for example: apt-get install gcc libc6-dev"
if ! command -v "$python" >/dev/null 2>&1; then
    complain "$python is missing. Install CPython 3.8 to 3.13, or name one: make PYTHON=/path/to/python ..."
elif ! "$python" -c 'import sys; sys.exit(not ((3, 8) <= sys.version_info[:2] <= (3, 13) and sys.implementation.name == "cpython"))'; then
    complain "$("$python" --version 2>&1) ($python) will not do, CPython 3.8 to 3.13 is needed. Name one: make PYTHON=/path/to/python ..."
elif ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    complain "$python has no venv or ensurepip module. Install it, for example: apt-get install python3-venv"
fi
exit $missing
