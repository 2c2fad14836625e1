"""Spans sent to Zipkin as JSON, version 2.

    BatchSpanProcessor(ZipkinExporter(endpoint="http://localhost:9411/api/v2/spans"))

OTEL_EXPORTER_ZIPKIN_ENDPOINT and OTEL_EXPORTER_ZIPKIN_TIMEOUT are for what is not given.
"""

from __future__ import annotations

import urllib.request
from base64 import b64encode
from logging import getLogger
from os import environ
from typing import TYPE_CHECKING, Any, Sequence
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

from ferrotel._secrets import without_secrets
from opentelemetry.exporter.zipkin.encoder import Protocol
from opentelemetry.exporter.zipkin.json.v2 import JsonV2Encoder
from opentelemetry.exporter.zipkin.node_endpoint import IpInput, NodeEndpoint
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_ZIPKIN_ENDPOINT, OTEL_EXPORTER_ZIPKIN_TIMEOUT
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    import requests

DEFAULT_ENDPOINT = "http://localhost:9411/api/v2/spans"
REQUESTS_SUCCESS_STATUS_CODES = (200, 202)
_DEFAULT_TIMEOUT_SECONDS = 10.0

logger = getLogger(__name__)


class ZipkinExporter(SpanExporter):
    """Sends spans to Zipkin.

    Args:
        version: The protocol's; only `Protocol.V2` is there.
        endpoint: The whole URL. OTEL_EXPORTER_ZIPKIN_ENDPOINT, default http://localhost:9411/api/v2/spans.
        local_node_ipv4: This process's address, shown with its spans; so are the next two.
        local_node_ipv6: Another of its addresses.
        local_node_port: The port that it listens on.
        max_tag_value_length: Characters that are kept of an attribute's value; default: all.
        timeout: Seconds for a batch. OTEL_EXPORTER_ZIPKIN_TIMEOUT, in seconds, default 10.
        session: A session of `requests` to send with; its Content-Type is set. Default: the standard library.

    Raises:
        ValueError: For an address that is none, and for version 1 of the protocol.
    """

    def __init__(
        self,
        version: Protocol = Protocol.V2,
        endpoint: str | None = None,
        local_node_ipv4: IpInput = None,
        local_node_ipv6: IpInput = None,
        local_node_port: int | None = None,
        max_tag_value_length: int | None = None,
        timeout: float | None = None,
        session: requests.Session | None = None,
    ) -> None:
        if version is not Protocol.V2:
            raise ValueError(f"{version} of Zipkin's protocol is not supported; Protocol.V2 is")
        self.local_node = NodeEndpoint(local_node_ipv4, local_node_ipv6, local_node_port)
        self.endpoint = endpoint or environ.get(OTEL_EXPORTER_ZIPKIN_ENDPOINT) or DEFAULT_ENDPOINT
        self.encoder = JsonV2Encoder(max_tag_value_length)
        self.timeout = timeout or _timeout()
        self.session = session
        if session is not None:
            session.headers.update({"Content-Type": self.encoder.content_type()})
        self._closed = False

    def export(self, spans: Sequence[Any]) -> SpanExportResult:
        """Sends a batch; FAILURE, and a line in the log, when Zipkin does not take it."""
        if self._closed:
            logger.warning("The exporter is shut down, and %d spans are not sent", len(spans))
            return SpanExportResult.FAILURE
        try:
            status, answer = self._post(self.encoder._encode(spans, self.local_node))
        except Exception as error:
            shown = without_secrets(error, self.endpoint)
            logger.error("Spans can't be sent to Zipkin: %s: %s", type(error).__name__, shown)
            return SpanExportResult.FAILURE
        if status not in REQUESTS_SUCCESS_STATUS_CODES:
            shown = without_secrets(answer[:256], self.endpoint)
            logger.error("Spans can't be sent to Zipkin: it answered %s: %s", status, shown)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS

    def _post(self, body: bytes) -> tuple[int, str]:
        if self.session is not None:
            response = self.session.post(url=self.endpoint, data=body, timeout=self.timeout)
            return response.status_code, response.text
        headers = {"Content-Type": self.encoder.content_type()}
        url, user = _without_user(self.endpoint)
        if user:
            headers["Authorization"] = "Basic " + b64encode(user).decode()
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=self.timeout) as answer:
            return answer.status, answer.read(1024).decode(errors="replace")

    def shutdown(self) -> None:
        """Closes the session. Once; then it is a mistake that is logged."""
        if self._closed:
            logger.warning("The exporter is shut down already")
            return
        self._closed = True
        if self.session is not None:
            self.session.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True: nothing is kept."""
        return True


def _without_user(url: str) -> tuple[str, bytes]:
    """The URL as the standard library takes it, and the user with the password that stood in it."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=host)), unquote_to_bytes(user)


def _timeout() -> float:
    text = environ.get(OTEL_EXPORTER_ZIPKIN_TIMEOUT, "").strip()
    try:
        seconds = float(text or _DEFAULT_TIMEOUT_SECONDS)
    except ValueError:
        seconds = 0.0
    if seconds > 0:
        return seconds
    logger.warning("%s is %r, and not a number of seconds: 10 is taken", OTEL_EXPORTER_ZIPKIN_TIMEOUT, text)
    return _DEFAULT_TIMEOUT_SECONDS
