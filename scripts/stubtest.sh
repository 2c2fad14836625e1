#!/bin/sh
# Compares python/ferrotel/_native.pyi with the native module of an environment made by python-env.sh.
# Usage: stubtest.sh PYTHON-OF-THE-ENVIRONMENT, of the same version as build/tools.
set -eu
PYTHONPATH=$("$1" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
export PYTHONPATH
exec build/tools/bin/python -m mypy.stubtest --mypy-config-file pyproject.toml --concise ferrotel._native
