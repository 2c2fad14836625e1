#!/bin/sh
# A Redis server for the tests, of Debian's package: what is on PATH, or else unpacked into build/redis/ with the libraries that it
# needs. It is not installed and its service is not started. Prints the program's path. Usage: redis.sh
set -eu
cd "$(dirname "$0")/.."
home=build/redis
program=$home/redis-server
# redis-server is a link to a program of redis-tools; the rest are libraries that few machines have.
packages='redis-server redis-tools libjemalloc2 liblzf1'

fail() {
    printf 'ferrotel: %s\n' "$1" >&2
    exit 1
}

command -v redis-server && exit 0
if ! [ -x "$program" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "no program redis-server on PATH, and no apt-get to get it with. Install Redis: https://redis.io/downloads"
    rm -rf "$home"
    mkdir -p "$home/package"
    # shellcheck disable=SC2086 # one word each
    fetch() { (cd "$home/package" && apt-get download $packages >../log 2>&1); }
    # Without package lists, as in a fresh container, root can get them.
    fetch || { [ "$(id -u)" = 0 ] && apt-get update >"$home/log" 2>&1 && fetch; } ||
        fail "can't download Debian's package redis-server: $(tail -n 1 "$home/log"). Install it: apt-get update && apt-get install redis-server"
    for package in "$home"/package/*.deb; do
        dpkg-deb -x "$package" "$home" || fail "can't unpack $package"
    done
    # Where the libraries lie is only known here.
    libraries=$(dirname "$(find "$PWD/$home/usr/lib" -name 'liblzf.so.*' | head -n 1)")
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$PWD/$home/usr/bin/redis-server" >"$program"
    chmod +x "$program"
fi
"$program" --version >/dev/null 2>&1 || fail "$program does not run; remove $home to get it anew"
printf '%s\n' "$PWD/$program"
