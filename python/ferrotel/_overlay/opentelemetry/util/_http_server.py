"""What instrumentations of HTTP servers do for every request, done natively.

It is no part of the specification: another implementation of the API does not have it, and instrumentations do the same
without.
"""

from __future__ import annotations

from ferrotel import _native

environ_attributes = _native.environ_attributes
pick = _native.pick
register_getter = _native.register_getter
