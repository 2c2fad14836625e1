"""After a fork a provider's resource describes the child, and the parent's stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, warnings
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

exporter = InMemorySpanExporter()
provider = TracerProvider(resource=Resource.create({"service.name": "shop"}), shutdown_on_exit=False)
provider.add_span_processor(SimpleSpanProcessor(exporter))
tracer = provider.get_tracer("test")

def tell(who):
    exporter.clear()
    tracer.start_span("one").end()
    (span,) = exporter.get_finished_spans()
    attributes = span.resource.attributes
    assert attributes == provider.resource.attributes
    print(who, attributes["service.instance.id"], attributes["process.pid"] == os.getpid(), attributes["service.name"],
          flush=True)

tell("before")
warnings.simplefilter("ignore")
pid = os.fork()
if pid == 0:
    tell("child")
    os._exit(0)
os.waitpid(pid, 0)
tell("after")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_child_has_its_own_instance_id_and_process() -> None:
    environment = {**os.environ, "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "process"}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stderr == ""
    told = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines()}
    assert told["before"] == told["after"]
    assert told["child"][0] != told["before"][0]
    assert told["child"][1:] == told["before"][1:] == ["True", "shop"]
