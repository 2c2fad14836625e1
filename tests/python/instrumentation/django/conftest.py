"""Settings for Django: a process has them once."""

from __future__ import annotations

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not one",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF="django_shop_urls",
    MIDDLEWARE=(),
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    LOGGING_CONFIG=None,
)
django.setup()
