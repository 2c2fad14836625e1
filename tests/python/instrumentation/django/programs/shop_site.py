"""A Django project without a line of telemetry: settings, URLs, views and applications in one module."""

from __future__ import annotations

import os
from typing import Any, AsyncIterator, Iterator

# As in the wsgi.py that `django-admin startproject` writes: nobody else says which settings there are.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_site")

SECRET_KEY = "not one"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "shop_urls"
MIDDLEWARE = ("django.middleware.common.CommonMiddleware",)
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


def wsgi(environ: Any, start_response: Any) -> Any:
    """Made when it is first asked."""
    return _made("wsgi")(environ, start_response)


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await _made("asgi")(scope, receive, send)


_APPLICATIONS: dict[str, Any] = {}


def _made(kind: str) -> Any:
    if kind not in _APPLICATIONS:
        from django.core.asgi import get_asgi_application
        from django.core.wsgi import get_wsgi_application

        _APPLICATIONS[kind] = get_wsgi_application() if kind == "wsgi" else get_asgi_application()
    return _APPLICATIONS[kind]


def parts() -> Iterator[bytes]:
    from opentelemetry import trace

    for number in range(3):
        with trace.get_tracer("shop").start_as_current_span(f"part {number}"):
            yield b"%d\n" % number


async def async_parts() -> AsyncIterator[bytes]:
    for part in parts():
        yield part
