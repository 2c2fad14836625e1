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
built=build/wheels/$version-$profile
mkdir -p "$home" "$built"

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

# 2. the wheel, when a source is not what it was: one for all environments of this version and profile
# Builds take turns: they share the target directory, and cargo's own lock ends before maturin has taken the library from it.
if command -v flock >/dev/null; then
    exec 9>build/wheels/.lock
    flock 9
fi
find Cargo.toml Cargo.lock pyproject.toml README.md LICENSE crates python -type f \
    ! -name '*.so' ! -name '*.tmp' ! -name '*.pyc' ! -path '*/tests/*' ! -path '*/.*' -exec cksum {} + | sort >"$built/sources.new"
if ! cmp -s "$built/sources.new" "$built/sources"; then
    say "building the wheel for CPython $version, profile $profile"
    rm -rf "$built/wheel.new" "$built/sources"
    build/tools/bin/maturin build --quiet --locked --profile "$profile" --auditwheel skip --interpreter "$venv/bin/python" \
        --out "$built/wheel.new" >"$built/wheel.log" 2>&1 || { cat "$built/wheel.log" >&2; exit 1; }
    rm -rf "$built/wheel"
    mv "$built/wheel.new" "$built/wheel"
    cp "$built/sources.new" "$built/sources"
fi

if command -v flock >/dev/null; then
    exec 9>&-
fi

# 3. the wheel into the environment
if ! cmp -s "$built/sources" "$home/sources"; then
    rm -rf "$home/sources" "$home/wheel"
    cp -R "$built/wheel" "$home/wheel"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$home"/wheel/*.whl >&2
    cp "$built/sources" "$home/sources"
fi
printf '%s\n' "$venv/bin/python"
