#!/bin/sh
# Every fuzz target under libFuzzer, on stable Rust with debug assertions. What it finds out stays in build/fuzz/corpus/ for the
# next time; an input that fails goes to build/fuzz/failures/. Usage: fuzz.sh SECONDS [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=$1
shift
[ $# -gt 0 ] || set -- $(ls fuzz/seeds)
home=build/fuzz
command -v c++ >/dev/null || {
    echo "ferrotel: a C++ compiler is missing (libFuzzer is built with it). Install g++, for example: apt-get install g++" >&2
    exit 1
}

# A target is named, so that only it is instrumented, and not what runs while it is built.
host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
CARGO_TARGET_DIR=$home/target RUSTFLAGS="$coverage" \
    cargo build --quiet --release --target "$host" --manifest-path fuzz/libfuzzer/Cargo.toml
program=$home/target/$host/release/ferrotel-libfuzzer

failed=0
mkdir -p $home/failures
for target in "$@"; do
    mkdir -p "$home/corpus/$target" "fuzz/regressions/$target"
    if FERROTEL_FUZZ_TARGET=$target "$program" -max_total_time="$seconds" -max_len=20000 -timeout=20 -rss_limit_mb=2048 \
        -artifact_prefix="$home/failures/$target-" "$home/corpus/$target" "fuzz/seeds/$target" "fuzz/regressions/$target" \
        >"$home/$target.log" 2>&1; then
        printf 'ok     %-16s %s\n' "$target" "$(sed -n 's/.*DONE *//p' "$home/$target.log" | tail -n 1)"
    else
        failed=1
        grep -a -m 3 "panicked at\|ERROR: \|Test unit written" -A 1 "$home/$target.log" >&2 || true
        printf 'FAILED %-16s see %s; once mended, keep the input: cp %s/failures/%s-... fuzz/regressions/%s/\n' \
            "$target" "$home/$target.log" "$home" "$target" "$target" >&2
    fi
done
rmdir fuzz/regressions/* 2>/dev/null || true
exit $failed
