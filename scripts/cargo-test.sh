#!/bin/sh
# The Rust tests, with cargo-nextest where it is installed, and the examples in the documentation. Usage: cargo-test.sh CARGO-PACKAGE-OPTIONS...
set -eu
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --no-fail-fast --status-level fail "$@"
    # `--doc` asks every library, also one that says `doctest = false`: the models are the engine's files over again.
    case "$*" in *--workspace*) set -- "$@" --exclude ferrotel-models ;; esac
    cargo test --quiet --locked --doc "$@"
else
    cargo test --quiet --locked "$@"
fi
