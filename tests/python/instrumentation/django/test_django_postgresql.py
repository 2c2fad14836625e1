"""The SQL commenter of `DjangoInstrumentor`, with Django's backend for PostgreSQL and psycopg2, on a real server."""

from __future__ import annotations

import re
import sys
import types
import uuid
from typing import Any, Iterator

import pytest
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from psycopg2 import sql

from opentelemetry.instrumentation.django import DjangoInstrumentor


def named(request: HttpRequest, name: str) -> HttpResponse:
    with connections["postgresql"].cursor() as cursor:
        # Parameters, a percent sign of the statement's own, and one that psycopg2 puts together.
        cursor.execute("SELECT %s, 7 %% 4", [name])
        first = cursor.fetchone()
        cursor.execute(sql.SQL("SELECT {}").format(sql.Literal(name)))
        second = cursor.fetchone()
        cursor.executemany("SELECT %s", [[name], [name]])
    return HttpResponse(repr((first, second)))


urls: Any = types.ModuleType("django_postgresql_urls")
urls.urlpatterns = [path("named/<str:name>/", named, name="named")]
sys.modules["django_postgresql_urls"] = urls


@pytest.fixture
def database(postgres_server: Any) -> Iterator[None]:
    """The database `postgresql` beside the default one."""
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": "127.0.0.1",
        "PORT": postgres_server.port,
    }
    configured = connections.configure_settings({**settings.DATABASES, "postgresql": database})
    connections.settings["postgresql"] = configured["postgresql"]
    try:
        with override_settings(ROOT_URLCONF="django_postgresql_urls"):
            yield
    finally:
        if DjangoInstrumentor().is_instrumented_by_opentelemetry:
            DjangoInstrumentor().uninstrument()
        connections["postgresql"].close()
        del connections["postgresql"]
        del connections.settings["postgresql"]


def test_statements_arrive_with_comments(database: None, recorded: Any, postgres_server: Any) -> None:
    DjangoInstrumentor().instrument(is_sql_commentor_enabled=True, **recorded.providers)
    name = uuid.uuid4().hex
    response = Client().get(f"/named/{name}/")
    assert response.content.decode() == repr(((name, 3), (name,)))
    (span,) = recorded.spans()
    logged = re.findall(rf"statement: SELECT .*'{name}'.*", postgres_server.log())
    assert len(logged) == 4
    assert logged[0].startswith(f"statement: SELECT '{name}', 7 % 4 /*controller='named',")
    for number, statement in enumerate(logged):
        # Signs are doubled, as in the reference: without parameters nothing makes them single again.
        sign = "%%" if number == 1 else "%"
        assert "db_driver='django.db.backends.postgresql'" in statement
        assert f"framework='django{sign}3A" in statement
        assert f"route='named/{sign}3Cstr{sign}3Aname{sign}3E/'" in statement
        ids = f"{span.context.trace_id:032x}-{span.context.span_id:016x}"
        assert f"traceparent='00-{ids}-" in statement
