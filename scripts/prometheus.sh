#!/bin/sh
# A Prometheus server for the tests, of Debian's package: what is on PATH, or else unpacked into build/prometheus/. It is not
# installed and its service is not started. Prints the program's path. Usage: prometheus.sh
set -eu
cd "$(dirname "$0")/.."
home=build/prometheus
program=$home/usr/bin/prometheus

fail() {
    printf 'ferrotel: %s\n' "$1" >&2
    exit 1
}

command -v prometheus && exit 0
if ! [ -x "$program" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "no program prometheus on PATH, and no apt-get to get it with. Install Prometheus: https://prometheus.io/download"
    rm -rf "$home"
    mkdir -p "$home/package"
    fetch() { (cd "$home/package" && apt-get download prometheus >../log 2>&1); }
    # Without package lists, as in a fresh container, root can get them.
    fetch || { [ "$(id -u)" = 0 ] && apt-get update >"$home/log" 2>&1 && fetch; } ||
        fail "can't download Debian's package prometheus: $(tail -n 1 "$home/log"). Install it: apt-get update && apt-get install prometheus"
    dpkg-deb -x "$home"/package/prometheus_*.deb "$home" || fail "can't unpack $home/package/prometheus_*.deb"
fi
"$program" --version >/dev/null 2>&1 || fail "$program does not run; remove $home to get it anew"
printf '%s\n' "$PWD/$program"
