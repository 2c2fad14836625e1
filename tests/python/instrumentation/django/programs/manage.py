"""A Django project in two files: its command line, as `django-admin startproject` writes it."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_site")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
