"""What `instructions.py` runs under valgrind: each operation so often, between two calls of `os.getppid`.

`counted.py ENDPOINT OPERATION...`. It imports no more than that takes: under valgrind, imports are most of the time.
"""

from __future__ import annotations

import gc
import os
import sys

import operations

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# Until the blocks of memory go round between this thread and the one that exports.
WARM_UP = 1500
COUNTED = 1000


def main() -> None:
    endpoint, *names = sys.argv[1:]
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    subject = operations.Subject(provider.get_tracer("benches", "1.0"), provider.get_tracer("unused"), None)
    runs = [getattr(operations, name)(subject) for name in names]
    # The collector comes now and then, and looks at all that was imported.
    gc.disable()
    for run in runs:
        for _ in range(WARM_UP // 500):
            run(500)
            provider.force_flush()
        os.getppid()
        run(COUNTED // 2)
        provider.force_flush()
        run(COUNTED // 2)
        os.getppid()


if __name__ == "__main__":
    main()
