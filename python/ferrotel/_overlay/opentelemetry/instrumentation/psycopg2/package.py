"""What the instrumentation is for."""

from __future__ import annotations

_instruments_psycopg2 = "psycopg2 >= 2.7.3.1"
_instruments_psycopg2_binary = "psycopg2-binary >= 2.7.3.1"

_instruments: tuple[str, ...] = ()
# The same library, built from source or with its C libraries.
_instruments_any = (_instruments_psycopg2, _instruments_psycopg2_binary)

_semconv_status = "migration"
