"""Logfire with a token: its own exporters, sessions and retries, with a backend elsewhere than usual."""

import os

import logfire
from whence import tell

from opentelemetry import trace

advanced = logfire.AdvancedOptions(base_url=os.environ["BACKEND"])
# Said, since Logfire keeps to itself in what looks like a test.
logfire.configure(
    token="pylf_v1_local_secret", send_to_logfire=True, service_name="shop", console=False, advanced=advanced
)
with logfire.span("order {number}", number=7):
    current = trace.get_current_span()
    with logfire.span("inner"):
        pass
logfire.metric_counter("orders").add(1)
flushed = logfire.force_flush()
logfire.shutdown()
# Logfire wraps the span that records.
tell(current.span, flushed=flushed)
