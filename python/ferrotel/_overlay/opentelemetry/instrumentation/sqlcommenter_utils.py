"""SQL Commenter: what a statement belongs to, as a comment at its end (https://google.github.io/sqlcommenter/)."""

from __future__ import annotations

import itertools
import sys
from typing import Any

from opentelemetry import context
from opentelemetry.instrumentation.utils import _url_quote

# The type of t-strings, which some drivers take as statements.
_Template: Any = ()
if sys.version_info >= (3, 14):
    from string.templatelib import Template as _Template


def _add_sql_comment(sql: Any, **meta: Any) -> Any:
    """The statement (text or a t-string) with these values, and those of the web framework, as a comment."""
    meta.update(_add_framework_tags())
    comment = _generate_sql_comment(**meta)
    if not isinstance(sql, _Template):
        return _with_comment(sql, comment)
    parts = itertools.chain.from_iterable(zip(sql.strings[:-1], sql.interpolations))
    return _Template(*parts, _with_comment(sql.strings[-1], comment))


def _with_comment(sql: str, comment: str) -> str:
    """Before a closing semicolon: drivers take what follows it for another statement."""
    sql = sql.rstrip()
    return f"{sql[:-1]}{comment};" if sql.endswith(";") else sql + comment


def _generate_sql_comment(**meta: Any) -> str:
    if not meta:
        return ""
    # Sorted, so that equal statements stay equal for the database's caches.
    pairs = (f"{_url_quote(key)}={_url_quote(value)!r}" for key, value in sorted(meta.items()) if value is not None)
    return f" /*{','.join(pairs)}*/"


def _add_framework_tags() -> dict[str, Any]:
    """What the instrumentation of a web framework left in the context for the statements of this request."""
    tags: Any = context.get_value("SQLCOMMENTER_ORM_TAGS_AND_VALUES")
    return tags or {}
