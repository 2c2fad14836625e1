"""Which OpenTelemetry a program ran on."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from typing import Any

from ferrotel import _native

MODULES = ["opentelemetry.context", "opentelemetry.trace", "opentelemetry.sdk.trace", "opentelemetry.sdk.trace.export"]


def tell(span: Any, **more: Any) -> None:
    """Prints, as JSON, the files of what was imported and whether `span` is a native one, and `more`."""
    files = [importlib.import_module(name).__file__ for name in MODULES]
    files += [
        module.__file__
        for name, module in sys.modules.items()
        if name.startswith("opentelemetry.exporter.otlp.proto.") and getattr(module, "__file__", None)
    ]
    told = {
        # Installed as a dependency of the package, and not what was imported.
        "official": importlib.metadata.version("opentelemetry-sdk"),
        "files": files,
        "native_spans": isinstance(span, _native.SpanBase),
    }
    print(json.dumps({**told, **more}))
