"""The environment in a configuration's values."""

from __future__ import annotations

from ferrotel import _native
from opentelemetry.configuration._exceptions import ConfigurationError


def substitute_env_vars(text: str) -> str:
    """Fills `${NAME}`, `${env:NAME}` and `${NAME:-default}` in from `os.environ`, and makes `$$` a dollar sign.

    A variable that is not set, or is empty, gives the default, or else nothing. What is filled in is not looked at
    again. Raises ConfigurationError for a reference that names no variable, such as `${1}`.
    """
    try:
        return _native.substitute_environment(text)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None
