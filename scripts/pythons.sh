#!/bin/sh
# Prints the CPythons of this machine that ferrotel supports, one path a line, oldest first, one for each minor version.
# Found on PATH as python3.X or under pyenv. Usage: pythons.sh [VERSION-TO-LEAVE-OUT]
for version in 3.8 3.9 3.10 3.11 3.12 3.13; do
    [ "$version" = "${1:-}" ] && continue
    for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python; do
        # A pyenv shim stands on PATH for versions that it then refuses to run.
        if path=$("$python" -c 'import sys, venv, ensurepip; print(sys.executable)' 2>/dev/null); then
            printf '%s\n' "$path"
            break
        fi
    done
done
exit 0
