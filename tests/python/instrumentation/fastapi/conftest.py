"""The telemetry and the server of the ASGI tests."""

from __future__ import annotations

from typing import Any, Iterator

import fastapi
import pytest
from starlette.background import BackgroundTask

from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from ..asgi.conftest import Telemetry, server, telemetry  # noqa: F401

FASTAPI, CALL = fastapi.FastAPI, BackgroundTask.__call__


@pytest.fixture
def instrumented(telemetry: Telemetry) -> Iterator[Any]:  # noqa: F811
    """Instruments FastAPI as a whole, and finds everything as it was in the end."""
    instrumentor = FastAPIInstrumentor()

    def instrument(**options: Any) -> None:
        instrumentor.instrument(**{**telemetry.providers, **options})

    yield instrument
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
    assert fastapi.FastAPI is FASTAPI
    assert BackgroundTask.__call__ is CALL
    assert not hasattr(BackgroundTask, "_otel_original_call")
