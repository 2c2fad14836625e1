"""The settings of django_shop.py."""

from __future__ import annotations

SECRET_KEY = "not one"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "django_shop"
# It says how long a response is.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
