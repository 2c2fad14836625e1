"""What the HTTP exporters share, whatever they send and encode to."""

from __future__ import annotations

import os
import threading
from logging import Logger
from typing import TYPE_CHECKING, Any, Callable, ClassVar, Mapping

from opentelemetry.exporter.http.transport._requests import RequestsHTTPTransport
from opentelemetry.exporter.otlp.common._engine import EngineExporter
from opentelemetry.exporter.otlp.common._exporter_metrics import create_exporter_metrics
from opentelemetry.exporter.otlp.common._http_environment import (
    resolve_compression,
    resolve_endpoint,
    resolve_headers,
    resolve_timeout,
    resolve_tls,
)
from opentelemetry.exporter.otlp.common._signal import Signal
from opentelemetry.exporter.otlp.common.http import Compression, _OTLPHTTPClient
from opentelemetry.sdk.environment_variables import OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED

if TYPE_CHECKING:
    from opentelemetry.exporter.http.transport._base import BaseHTTPTransport
    from opentelemetry.metrics import MeterProvider

_DEFAULT_MAX_REQUEST_SIZE = 64 * 1024 * 1024


_MakeTransport = Callable[..., Any]


class RequestPayloadTooLargeError(Exception):
    """An encoded batch is larger than `max_request_size`. The name is what `error.type` says in the metrics."""


class _Client(_OTLPHTTPClient):
    """The client that sends from Python.

    It does where the program brought a transport along, reaches for the one here, or replaces what it waits on.
    """

    build_transport: Callable[[], BaseHTTPTransport] | None = None
    sends = False

    def __init__(self, transport: BaseHTTPTransport | None, *arguments: Any, **named: Any) -> None:
        self._given: BaseHTTPTransport | None = None
        super().__init__(transport, *arguments, **named)  # type: ignore[arg-type]

    @property
    def _transport(self) -> BaseHTTPTransport:
        if self._given is None and self.build_transport is not None:
            self._transport = self.build_transport()
        assert self._given is not None
        return self._given

    @_transport.setter
    def _transport(self, transport: BaseHTTPTransport | None) -> None:
        self._given = transport
        self.sends = transport is not None

    @property
    def _shutdown_event(self) -> threading.Event:
        return self._event

    @_shutdown_event.setter
    def _shutdown_event(self, event: threading.Event) -> None:
        self._event = event
        self.sends = self.sends or self.build_transport is not None

    def shutdown(self) -> None:
        if self.sends:
            super().shutdown()


class HTTPExporter(EngineExporter):
    """Sends over HTTP: by the engine, or from Python where the program brings a session or transport along."""

    _SIGNAL: ClassVar[Signal]
    # The enumeration with SUCCESS and FAILURE that `export` returns.
    _RESULT: ClassVar[Any]
    _PROTOCOL: ClassVar[str]
    _COMPONENT_TYPE: ClassVar[str]
    _DEFAULT_HEADERS: ClassVar[Mapping[str, str]]
    _LOGGER: ClassVar[Logger]

    def _configure(
        self,
        endpoint: str | None,
        certificate_file: str | None,
        client_key_file: str | None,
        client_certificate_file: str | None,
        headers: Mapping[str, str] | None,
        timeout: float | None,
        compression: Compression | None,
        max_request_size: int | None,
        meter_provider: MeterProvider | None,
        session: Any = None,
        transport: BaseHTTPTransport | None = None,
        make_transport: _MakeTransport = RequestsHTTPTransport,
    ) -> None:
        variables = self._SIGNAL.variables
        self._endpoint = endpoint or resolve_endpoint(variables.endpoint, self._SIGNAL.path)
        self._headers = resolve_headers(headers, variables.headers, self._DEFAULT_HEADERS)
        self._timeout = resolve_timeout(variables.timeout) if timeout is None else timeout
        self._compression = compression or resolve_compression(variables.compression)
        self._max_request_size = _DEFAULT_MAX_REQUEST_SIZE if max_request_size is None else max_request_size
        tls = resolve_tls(
            certificate_file,
            client_key_file,
            client_certificate_file,
            variables.certificate,
            variables.client_key,
            variables.client_certificate,
        )
        self._certificate_file, self._client_key_file, self._client_certificate_file = tls
        self._client_cert = tls.client_pair
        self._session = session
        self._shutdown = False

        def build() -> BaseHTTPTransport:
            made: BaseHTTPTransport = make_transport(verify=tls.certificate, cert=tls.client_pair, session=session)
            return made

        self._client = _Client(
            transport or (None if session is None else build()),
            self._endpoint,
            self._SIGNAL.items,
            self._timeout,
            self._compression,
            self._headers,
            logger=self._LOGGER,
        )
        self._client.build_transport = build
        if not self._client.sends:
            self._engine_client()
        elif self._spool_dir or os.environ.get("FERROTEL_SPOOL_DIR"):
            self._LOGGER.warning(
                "The program's own session or transport sends the %s, so those that are not delivered are not kept in "
                "the spool.",
                self._SIGNAL.items,
            )
        self._set_meter_provider(meter_provider)

    def _engine_settings(self) -> dict[str, Any]:
        own = {name: value for name, value in self._headers.items() if name not in ("content-type", "user-agent")}
        return {
            "protocol": self._PROTOCOL,
            "endpoint": self._endpoint,
            "headers": list(own.items()),
            "timeout": self._timeout,
            "compression": self._compression.value,
            "certificate": None if self._certificate_file is True else self._certificate_file,
            "client_key": self._client_key_file,
            "client_certificate": self._client_certificate_file,
            "user_agent": self._headers.get("user-agent"),
            "max_request_size": self._max_request_size,
            "spool_dir": self._spool_dir,
        }

    def _engine_exporter(self) -> Any:
        return None if self._sends_from_python() else super()._engine_exporter()

    def _sends_from_python(self) -> bool:
        # A program may have put a client of its own in the place of ours, or around it, as logfire does.
        client: Any = self._client
        return client.sends if isinstance(client, _Client) else True

    # Not named `_export`: subclasses of logfire's and others have one, which takes an encoded request.
    def _export_unless_shut_down(self, data: Any) -> Any:
        if self._shutdown:
            self._LOGGER.warning("Exporter already shutdown, ignoring batch")
            return self._RESULT.FAILURE
        return self._export_batch(data)

    def _export_batch(self, data: Any) -> Any:
        """Sends `data` as one request."""
        with self._metrics.export_operation(self._count_data(data)) as outcome:
            send = self._send_from_python if self._sends_from_python() else self._send_by_engine
            try:
                outcome.error, outcome.error_attrs = send(data)
            except Exception as error:
                self._LOGGER.error("Failed to encode %s batch: %s", self._SIGNAL.batch, error)
                outcome.error = error
        return self._RESULT.SUCCESS if outcome.error is None else self._RESULT.FAILURE

    def _count_data(self, data: Any) -> int:
        return len(data)

    def _send_by_engine(self, data: Any) -> Any:
        problem = self._engine_client().export(data)
        if problem:
            self._LOGGER.error(problem)
        if problem is None:
            return None, None
        too_large = problem.startswith("Dropping ")
        return RequestPayloadTooLargeError(problem) if too_large else RuntimeError(problem), None

    def _send_from_python(self, data: Any) -> Any:
        encoded = self._encode(data)
        if 0 < self._max_request_size < len(encoded):
            self._LOGGER.warning(
                "Dropping %s batch: serialized size %d bytes exceeds max_request_size %d bytes.",
                self._SIGNAL.batch,
                len(encoded),
                self._max_request_size,
            )
            return RequestPayloadTooLargeError(f"{len(encoded)} bytes exceed {self._max_request_size}"), None
        answer = self._client.export(encoded)
        if answer.success:
            return None, None
        status = answer.status_code
        attributes = None if status is None else {"http.response.status_code": status}
        return answer.error or RuntimeError(answer.reason), attributes

    def _encode(self, data: Any) -> bytes:
        raise NotImplementedError

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Nothing is held back here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Ends a retry that waits, and refuses every later batch."""
        if self._shutdown:
            self._LOGGER.warning("Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        self._client.shutdown()
        if self._engine is not None:
            self._engine.shutdown()

    def _set_meter_provider(self, meter_provider: MeterProvider | None) -> None:
        enabled = os.environ.get(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED, "").strip().lower() == "true"
        self._metrics = create_exporter_metrics(
            self._COMPONENT_TYPE, self._SIGNAL.name, self._endpoint, meter_provider, enabled
        )
