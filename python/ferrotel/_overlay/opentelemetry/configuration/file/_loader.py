"""From a file to the model of a configuration."""

from __future__ import annotations

import json
import os
import re
from logging import getLogger
from pathlib import Path
from typing import Any

from ferrotel import _native
from opentelemetry.configuration._conversion import model_from
from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.configuration.file._env_substitution import substitute_env_vars
from opentelemetry.configuration.models import OpenTelemetryConfiguration

_MAJOR, _MINOR = 1, 1
_FILE_FORMAT = re.compile(r"(\d+)\.(\d+)(-[0-9A-Za-z.]+)?")

_logger = getLogger(__name__)


def load_config_file(file_path: str | os.PathLike[str]) -> OpenTelemetryConfiguration:
    """Reads a configuration from a file that ends in `.yaml`, `.yml` or `.json`, with the environment filled in.

    Raises ConfigurationError, which names the file and what is wrong, and where: it can't be read, is no YAML 1.2 or
    JSON, or does not fit the schema. A file format newer than 1.1 is read, with a warning; one of another major version
    is an error.
    """
    path = Path(file_path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"Configuration file not found: {path}") from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"Configuration file {path} can't be read: {error}") from error
    kind = path.suffix.lower()
    if kind not in (".yaml", ".yml", ".json"):
        raise ConfigurationError(
            f"Configuration file {path} has an unsupported file format: its name must end in .yaml, .yml or .json"
        )
    try:
        tree = _fill_in(json.loads(text)) if kind == ".json" else _native.parse_configuration(text)
        if tree is None:
            raise ConfigurationError("it is empty")
        if not isinstance(tree, dict):
            raise ConfigurationError(f"it must be a mapping, and is a {type(tree).__name__}")
        if "file_format" in tree:
            # Unquoted, 1.0 is a number to YAML.
            tree["file_format"] = str(tree["file_format"])
            _check_file_format(tree["file_format"])
        return model_from(tree, OpenTelemetryConfiguration)
    except (ConfigurationError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"Configuration file {path}: {error}") from error


def _fill_in(value: Any) -> Any:
    if isinstance(value, str):
        return substitute_env_vars(value)
    if isinstance(value, list):
        return [_fill_in(item) for item in value]
    if isinstance(value, dict):
        return {key: _fill_in(item) for key, item in value.items()}
    return value


def _check_file_format(file_format: str) -> None:
    """The versions of the schema: the same major one, a newer minor one with a warning."""
    found = _FILE_FORMAT.fullmatch(file_format)
    if found is None:
        raise ConfigurationError(f"file_format must be a version such as '1.0', and is {file_format!r}")
    major, minor = int(found.group(1)), int(found.group(2))
    if major != _MAJOR:
        raise ConfigurationError(f"file_format {file_format} is not supported: {_MAJOR}.0 to {_MAJOR}.{_MINOR} are")
    if minor > _MINOR:
        _logger.warning(
            "file_format %s is newer than %d.%d; what it adds is not known here", file_format, _MAJOR, _MINOR
        )
