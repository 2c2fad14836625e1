#!/bin/sh
# A virtual environment with given requirements and a freshly built ferrotel wheel, under build/env/. What is up to date is
# left alone. Prints the environment's Python. Usage: python-env.sh PYTHON REQUIREMENTS [PROFILE]
# REQUIREMENTS is a file, or - for none; PROFILE is cargo's: dev (default) or release.
# The wheel stands beside the environment, in a folder wheel/.
set -eu
python=$1
requirements=$2
profile=${3:-dev}
cd "$(dirname "$0")/.."

version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
label=$(basename "$requirements" .txt)
if [ "$requirements" = - ]; then
    requirements=/dev/null
    label=plain
fi
home=build/env/$version-$profile-$label
venv=$home/venv
mkdir -p "$home"

say() { printf 'ferrotel: %s\n' "$1" >&2; }

# 1. the environment and its requirements, which may name the tests' core ones
cat tests/requirements.txt "$requirements" >"$home/requirements.new"
if ! cmp -s "$home/requirements.new" "$home/requirements" || ! "$venv/bin/python" -c '' 2>/dev/null; then
    say "setting up $venv"
    rm -rf "$venv" "$home/sources"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >&2
    cp "$home/requirements.new" "$home/requirements"
fi

# 2. the wheel, when a source is not what it was
find Cargo.toml Cargo.lock pyproject.toml README.md LICENSE crates python -type f \
    ! -name '*.so' ! -name '*.tmp' ! -name '*.pyc' ! -path '*/tests/*' ! -path '*/.*' -exec cksum {} + | sort >"$home/sources.new"
if ! cmp -s "$home/sources.new" "$home/sources"; then
    say "building the wheel for CPython $version, profile $profile"
    rm -rf "$home/wheel.new" "$home/sources"
    build/tools/bin/maturin build --quiet --locked --profile "$profile" --auditwheel skip --interpreter "$venv/bin/python" \
        --out "$home/wheel.new" >"$home/wheel.log" 2>&1 || { cat "$home/wheel.log" >&2; exit 1; }
    rm -rf "$home/wheel"
    mv "$home/wheel.new" "$home/wheel"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$home"/wheel/*.whl >&2
    cp "$home/sources.new" "$home/sources"
fi
printf '%s\n' "$venv/bin/python"
