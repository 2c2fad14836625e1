"""Zipkin's JSON, version 2."""

from __future__ import annotations

from typing import Any, Sequence

from ferrotel import _native
from opentelemetry.exporter.zipkin.node_endpoint import NodeEndpoint


class JsonV2Encoder:
    """Makes Zipkin's JSON of spans. `max_tag_value_length` in characters, default: no limit."""

    def __init__(self, max_tag_value_length: int | None = None) -> None:
        self.max_tag_value_length = max_tag_value_length

    @staticmethod
    def content_type() -> str:
        """The type of what `serialize` makes."""
        return "application/json"

    def serialize(self, spans: Sequence[Any], local_endpoint: NodeEndpoint) -> str:
        """The JSON of a batch. A span that can't be read is left out, with a line in the log."""
        return self._encode(spans, local_endpoint).decode()

    def _encode(self, spans: Sequence[Any], local_endpoint: NodeEndpoint) -> bytes:
        return _native.encode_spans_zipkin(
            spans,
            service_name=local_endpoint.service_name,
            ipv4=None if local_endpoint.ipv4 is None else str(local_endpoint.ipv4),
            ipv6=None if local_endpoint.ipv6 is None else str(local_endpoint.ipv6),
            port=local_endpoint.port,
            max_tag_value_length=self.max_tag_value_length or None,
        )
