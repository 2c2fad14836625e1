#!/bin/sh
# Runs a command under a name and says how long it took. Usage: step.sh NAME COMMAND...
name=$1
shift
start=$(date +%s)
"$@" || {
    status=$?
    printf 'FAILED %-40s %4d s\n' "$name" $(($(date +%s) - start)) >&2
    exit $status
}
printf 'ok     %-40s %4d s\n' "$name" $(($(date +%s) - start)) >&2
