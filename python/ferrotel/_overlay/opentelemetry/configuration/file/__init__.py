"""Reading a configuration's file, and what makes the SDK of it."""

from opentelemetry.configuration._exceptions import ConfigurationError, MissingDependencyError
from opentelemetry.configuration._logger_provider import configure_logger_provider, create_logger_provider
from opentelemetry.configuration._meter_provider import configure_meter_provider, create_meter_provider
from opentelemetry.configuration._propagator import configure_propagator, create_propagator
from opentelemetry.configuration._resource import create_resource
from opentelemetry.configuration._sdk import configure_sdk
from opentelemetry.configuration._tracer_provider import configure_tracer_provider, create_tracer_provider
from opentelemetry.configuration.file._env_substitution import substitute_env_vars
from opentelemetry.configuration.file._loader import load_config_file

__all__ = [
    "ConfigurationError",
    "MissingDependencyError",
    "configure_logger_provider",
    "configure_meter_provider",
    "configure_propagator",
    "configure_sdk",
    "configure_tracer_provider",
    "create_logger_provider",
    "create_meter_provider",
    "create_propagator",
    "create_resource",
    "create_tracer_provider",
    "load_config_file",
    "substitute_env_vars",
]
