"""Logfire's first steps: logs, spans, a decorator, metrics, standard logging."""

import logging

import logfire
from whence import tell

from opentelemetry import trace

logfire.configure(send_to_logfire=False, service_name="shop", console=False)
logfire.info("Hello, {name}!", name="world")
with logfire.span("Asking the user their {question}", question="age") as asking:
    asking.set_attribute("answer", 42)
    current = trace.get_current_span()
    logfire.warn("careful")
try:
    with logfire.span("broken"):
        raise ValueError("no")
except ValueError:
    pass


@logfire.instrument("work {x=}")
def work(x: int) -> int:
    return x + 1


work(1)
logging.basicConfig(handlers=[logfire.LogfireLoggingHandler()], level="INFO")
logging.getLogger("app").error("bad %s", "thing")
logfire.metric_counter("things", unit="1").add(3)
logfire.metric_histogram("seconds").record(1.5)
logfire.metric_gauge("level").set(4)
flushed = logfire.force_flush()
logfire.shutdown()
# Logfire wraps the span that records.
tell(current.span, flushed=flushed)
