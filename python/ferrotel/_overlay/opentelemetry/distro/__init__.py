"""The distro of ferrotel: OTLP over gRPC for all signals, unless the environment says otherwise."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL


class OpenTelemetryConfigurator(_OTelSDKConfigurator):
    """Sets up the SDK from the environment."""


class OpenTelemetryDistro(BaseDistro):
    """Sets what the environment does not say to its default."""

    def _configure(self, **kwargs: Any) -> None:
        for exporter in (OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER):
            os.environ.setdefault(exporter, "otlp")
        os.environ.setdefault(OTEL_EXPORTER_OTLP_PROTOCOL, "grpc")
