"""A middleware that adds comments to the SQL statements of a request (https://google.github.io/sqlcommenter/)."""

from __future__ import annotations

from contextlib import ExitStack
from logging import getLogger
from typing import Any, Callable, TypeVar

from django import conf, get_version
from django.db import connections
from opentelemetry.instrumentation.sqlcommenter_utils import _add_sql_comment
from opentelemetry.instrumentation.utils import _get_opentelemetry_values

# What a statement's execution returns. The name is one of the reference's.
T = TypeVar("T")

_django_version = get_version()
_logger = getLogger(__name__)


class SqlCommenter:
    """Django's middleware: while it answers, statements on all databases are commented.

    It is for synchronous handlers only: asynchronous ones run statements in another thread than their own, and
    connections belong to threads. Django calls it in that thread then.
    """

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with ExitStack() as stack:
            for alias in connections:
                stack.enter_context(connections[alias].execute_wrapper(_QueryWrapper(request)))
            return self.get_response(request)


class _QueryWrapper:
    """Comments the statements that a request executes on a connection."""

    def __init__(self, request: Any) -> None:
        self.request = request

    def __call__(self, execute: Callable[..., T], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> T:
        try:
            sql = self._commented(sql, context["connection"])
        except Exception:
            _logger.exception("A statement could not be commented")
        return execute(sql, params, many, context)

    def _commented(self, sql: Any, connection: Any) -> Any:
        if hasattr(sql, "as_string"):
            # psycopg's composed statements are quoted for the driver's connection; Django's is nothing to it.
            sql = sql.as_string(connection.connection)
        match = self.request.resolver_match
        meta: dict[str, Any] = {
            "controller": match.view_name if match and _tells("CONTROLLER") else None,
            "route": getattr(match, "route", None) if match and _tells("ROUTE") else None,
            "app_name": match.app_name or None if match and _tells("APP_NAME") else None,
            "framework": f"django:{_django_version}" if _tells("FRAMEWORK") else None,
            "db_driver": connection.settings_dict.get("ENGINE", "") if _tells("DB_DRIVER") else None,
        }
        if _tells("OPENTELEMETRY"):
            meta.update(_get_opentelemetry_values())
        return _add_sql_comment(str(sql), **meta)


def _tells(what: str) -> bool:
    return bool(getattr(conf.settings, f"SQLCOMMENTER_WITH_{what}", True))
