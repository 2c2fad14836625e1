#!/bin/sh
# A PostgreSQL server for the tests, of Debian's package: what is on PATH or installed, or else unpacked into build/postgres/ with the
# libraries that it needs. It is not installed and its service is not started. Prints the folder with `initdb` and `postgres`.
# Usage: postgres.sh
set -eu
cd "$(dirname "$0")/.."
home=build/postgres

fail() {
    printf 'ferrotel: %s\n' "$1" >&2
    exit 1
}

# What is on PATH may be a link or a script that is alone: both programs have to be there.
initdb=$(command -v initdb || true)
[ -n "$initdb" ] && [ -x "$(dirname "$initdb")/postgres" ] && dirname "$initdb" && exit 0
# Debian leaves the server's programs off PATH.
installed=$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | sort -V | tail -n 1)
[ -n "$installed" ] && [ -x "$(dirname "$installed")/postgres" ] && dirname "$installed" && exit 0

if ! [ -x "$home/bin/initdb" ]; then
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
        fail "no PostgreSQL server on PATH, and no apt-get to get it with. Install PostgreSQL: https://www.postgresql.org/download"
    rm -rf "$home"
    mkdir -p "$home/package" "$home/bin"
    fetch() {
        # `postgresql` only says which release is Debian's.
        server=$(apt-cache depends postgresql 2>>"$home/log" | grep -o 'postgresql-[0-9]*$' | head -n 1)
        [ -n "$server" ] || return 1
        # What an installation would bring are the libraries that are not here.
        missing=$(apt-get install --simulate --no-install-recommends "$server" 2>>"$home/log" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
        # shellcheck disable=SC2086 # one word each
        (cd "$home/package" && apt-get download "$server" $missing >>../log 2>&1)
    }
    # Without package lists, as in a fresh container, root can get them.
    fetch || { [ "$(id -u)" = 0 ] && apt-get update >>"$home/log" 2>&1 && fetch; } ||
        fail "can't download Debian's package postgresql: $(tail -n 1 "$home/log"). Install it: apt-get update && apt-get install postgresql"
    for package in "$home"/package/*.deb; do
        dpkg-deb -x "$package" "$home" || fail "can't unpack $package"
    done
    # Where the libraries lie is only known here.
    libraries=$(find "$PWD/$home/usr/lib" -name '*.so.*' -not -path '*/postgresql/*' -exec dirname {} + | sort -u | paste -sd: -)
    programs=$(dirname "$(find "$PWD/$home/usr/lib/postgresql" -name initdb)")
    for program in initdb postgres; do
        printf '#!/bin/sh\nLD_LIBRARY_PATH="%s" exec "%s" "$@"\n' "$libraries" "$programs/$program" >"$home/bin/$program"
        chmod +x "$home/bin/$program"
    done
fi
"$home/bin/initdb" --version >/dev/null 2>&1 || fail "$home/bin/initdb does not run; remove $home to get it anew"
printf '%s\n' "$PWD/$home/bin"
