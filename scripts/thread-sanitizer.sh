#!/bin/sh
# The engine's tests of threads under ThreadSanitizer. It needs a nightly toolchain with the standard library's source, which no
# package registry has: where they are missing, it says so and does nothing.
set -eu
target=$(rustc -vV | sed -n 's/^host: //p')
if ! source=$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library || [ ! -d "$source" ]; then
    echo "ferrotel: no ThreadSanitizer: rustup toolchain install nightly --component rust-src"
    exit 0
fi
# What it finds ends the test with an error.
export RUSTFLAGS="-Zsanitizer=thread" TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1"
exec cargo +nightly test --quiet --locked -Zbuild-std --target "$target" --target-dir target/tsan -p ferrotel \
    --test batch --test delivery --test logs --test metrics_concurrency --test span_processors "$@"
