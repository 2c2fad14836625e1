"""The SDK set up from a file: OpenTelemetry's declarative configuration (specification: "Configuration SDK").

    from opentelemetry.configuration import configure_sdk, load_config_file

    configure_sdk(load_config_file("otel.yaml"))

`OTEL_CONFIG_FILE` names the file for `opentelemetry-instrument`. `models` has the classes of a configuration that a
program makes itself. The schema is that of opentelemetry-configuration 1.1; what it calls experimental may change.
"""

from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.configuration._sdk import configure_sdk
from opentelemetry.configuration.file._loader import load_config_file
from opentelemetry.configuration.models import OpenTelemetryConfiguration

__all__ = [
    "ConfigurationError",
    "OpenTelemetryConfiguration",
    "configure_sdk",
    "load_config_file",
]
