#!/bin/sh
# The Rust tests and the Python tests of the hot path under AddressSanitizer. Needs a nightly toolchain and gcc's libasan; what it
# builds lies in build/asan/. Usage: asan.sh PYTHON
set -eu
python=$1
cd "$(dirname "$0")/.."
home=build/asan

fail() {
    printf 'ferrotel: %s\n' "$1" >&2
    exit 1
}

rustc +nightly -vV >/dev/null 2>&1 ||
    fail "a nightly toolchain is missing (only it knows sanitizers). Install one: rustup toolchain install nightly --profile minimal"
# Executables get their runtime from rustc, a module that Python loads gets it from outside.
runtime=$(gcc -print-file-name=libasan.so 2>/dev/null || true)
[ -e "$runtime" ] || fail "gcc's libasan is missing. Install gcc, for example: apt-get install gcc libgcc-12-dev"

host=$(rustc +nightly -vV | sed -n 's/^host: //p')
export RUSTUP_TOOLCHAIN=nightly RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$home/target
# What lives as long as the process is no leak, and `make memcheck` looks for the others.
export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1:abort_on_error=0:exitcode=99

cargo test --quiet --locked --target "$host" --workspace --exclude ferrotel-python --lib --bins --tests
echo "AddressSanitizer: the Rust tests found nothing"

[ -x $home/venv/bin/python ] || "$python" -m venv $home/venv
$home/venv/bin/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
rm -rf $home/wheel
build/tools/bin/maturin build --quiet --locked --profile dev --target "$host" --auditwheel skip \
    --interpreter $home/venv/bin/python --out $home/wheel
$home/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall $home/wheel/*.whl

sanitized() {
    env LD_PRELOAD="$runtime" PYTHONMALLOC=malloc $home/venv/bin/python -W ignore "$@"
}
sanitized tests/memory/hot_path.py 10
# Processes that these tests start inherit the sanitizer, and need the time that it takes.
sanitized -m pytest -q -p no:cacheprovider -m "not slow" tests/python/api tests/python/baggage tests/python/propagation \
    tests/python/sdk
echo "AddressSanitizer: the Python tests found nothing"
