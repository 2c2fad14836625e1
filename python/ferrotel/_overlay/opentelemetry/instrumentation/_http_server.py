"""What instrumentations of HTTP servers do for every request: by the API's implementation where it offers that, and
otherwise here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.util.http import _METHODS
from opentelemetry.util.http.constants import BOT_PATTERNS, TEST_PATTERNS

_PATTERNS = (*((pattern, "test") for pattern in TEST_PATTERNS), *((pattern, "bot") for pattern in BOT_PATTERNS))

if TYPE_CHECKING:
    _native: Any = None
else:
    try:
        from opentelemetry.util import _http_server as _native
    except ImportError:
        # Another implementation's API.
        _native = None


def _pick(attributes: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The attributes under these keys, as far as there are any."""
    return {key: attributes[key] for key in keys if key in attributes}


if _native is not None:
    _pick = _native.pick


def _environ_attributes(environ: dict[str, Any], old: bool, new: bool) -> dict[str, Any] | None:
    """The attributes of a request of WSGI in the generations that are wanted. None when they are to be collected one by
    one."""
    if _native is None:
        return None
    collected: dict[str, Any] | None = _native.environ_attributes(environ, old, new, _METHODS, _PATTERNS)
    return collected


def _reads_plainly(spelling: str, getter: type[Any]) -> None:
    """Has propagators read the carriers of a getter by themselves: WSGI environs (`environ`), or dicts of bytes
    (`bytes`)."""
    if _native is not None:
        _native.register_getter(spelling, getter)
