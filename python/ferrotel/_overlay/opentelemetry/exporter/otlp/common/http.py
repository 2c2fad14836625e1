"""OTLP over HTTP from Python: for sessions and transports that the program brings along."""

from __future__ import annotations

import enum
import gzip
import logging
import math
import random
import threading
import time
import zlib
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Mapping, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.exporter.http.transport._base import BaseHTTPResult, BaseHTTPTransport

_logger = logging.getLogger(__name__)

_MAX_RETRIES = 6
_DEFAULT_TIMEOUT = 10.0
_DEFAULT_JITTER = 0.2
_RETRYABLE_STATUS_CODES = frozenset({429, 502, 503, 504})


class Compression(enum.Enum):
    """What a body is compressed with."""

    NONE = "none"
    DEFLATE = "deflate"
    GZIP = "gzip"

    @staticmethod
    def from_str(value: str) -> Compression:
        """The member that `value` names, in any case.

        Raises ValueError for another word.
        """
        try:
            return Compression(value.strip().lower())
        except ValueError:
            raise ValueError(
                f"Invalid compression type: {value!r}. Expected one of: 'none', 'deflate', 'gzip'."
            ) from None


class _ExportResult(NamedTuple):
    success: bool
    status_code: int | None
    reason: str | None
    error: Exception | None


class _OTLPHTTPClient:
    """Posts encoded batches through a transport, and repeats what failed for a passing reason."""

    def __init__(
        self,
        transport: BaseHTTPTransport,
        endpoint: str,
        kind: str,
        timeout: float = _DEFAULT_TIMEOUT,
        compression: Compression = Compression.NONE,
        headers: Mapping[str, str] | None = None,
        jitter: float = _DEFAULT_JITTER,
        logger: logging.Logger | None = None,
    ) -> None:
        self._transport = transport
        self._endpoint = endpoint
        self._kind = kind
        self._timeout = timeout
        self._compression = compression
        self._headers = dict(headers or {})
        if compression is not Compression.NONE and "content-encoding" not in map(str.lower, self._headers):
            self._headers["Content-Encoding"] = compression.value
        self._jitter = min(max(jitter, 0.0), 1.0)
        self._logger = logger or _logger
        self._shutdown = False
        self._shutdown_event = threading.Event()

    def export(self, data: bytes) -> _ExportResult:
        """Sends one encoded batch, for as long as the timeout allows."""
        body = self._compress(data)
        deadline = time.time() + self._timeout
        for attempt in range(_MAX_RETRIES):
            try:
                answer = self._submit(body, deadline)
            except Exception as error:
                return self._give_up(None, None, error)
            status, reason, error_ = answer.status_code, answer.reason, answer.error
            if status is not None and 200 <= status < 400:
                return _ExportResult(True, status, reason, None)
            passing = status in _RETRYABLE_STATUS_CODES if status else self._transport.is_connection_error(error_)
            if not passing:
                return self._give_up(status, reason, error_)
            wait = self._compute_backoff(attempt)
            if status:
                wait = _retry_after(answer, wait)
            last = attempt + 1 == _MAX_RETRIES
            if last or wait > deadline - time.time() or self._shutdown_event.is_set():
                self._logger.error("Failed to export %s batch due to timeout, max retries or shutdown.", self._kind)
                return _ExportResult(False, status, reason, error_)
            self._logger.warning(
                "Transient error %s encountered while exporting %s batch, retrying in %.2fs.",
                self._shown(reason or error_),
                self._kind,
                wait,
            )
            if self._shutdown_event.wait(wait):
                self._logger.warning("Shutdown in progress, aborting retry.")
                break
        return _ExportResult(False, None, None, None)

    def shutdown(self) -> None:
        """Ends a wait between two attempts, and closes the transport."""
        if self._shutdown:
            self._logger.warning("OTLP client already shutdown, ignoring call")
            return
        self._shutdown = True
        self._shutdown_event.set()
        self._transport.close()

    def _submit(self, body: bytes, deadline: float) -> BaseHTTPResult:
        answer = self._request(body, deadline)
        # A pooled connection that the other side has closed shows only now: a fresh one is worth one try at once.
        stale = answer.error is not None and self._transport.is_connection_error(answer.error)
        return self._request(body, deadline) if stale and time.time() < deadline else answer

    def _request(self, body: bytes, deadline: float) -> BaseHTTPResult:
        left = max(deadline - time.time(), 0.0)
        return self._transport.request("POST", self._endpoint, headers=self._headers, data=body, timeout=left)

    def _give_up(self, status: int | None, reason: str | None, error: Exception | None) -> _ExportResult:
        self._logger.error(
            "Failed to export %s batch code: %s, reason: %s",
            self._kind,
            status,
            self._shown(reason or error or "unknown"),
        )
        return _ExportResult(False, status, reason, error)

    def _shown(self, problem: object) -> str:
        """What HTTP clients raise may quote the URL with its query, and headers."""
        from ferrotel._secrets import without_secrets

        return without_secrets(problem, self._endpoint, self._headers)

    def _compute_backoff(self, retry: int) -> float:
        return float(2**retry) * random.uniform(1 - self._jitter, 1 + self._jitter)

    def _compress(self, data: bytes) -> bytes:
        if self._compression is Compression.GZIP:
            return gzip.compress(data)
        return zlib.compress(data) if self._compression is Compression.DEFLATE else data


def _retry_after(answer: BaseHTTPResult, default: float) -> float:
    """The seconds that the header Retry-After asks for: a number, or a date."""
    try:
        text = (answer.headers().get("retry-after") or "").strip()
    except Exception:
        return default
    if not text:
        return default
    try:
        seconds = float(text)
        return max(seconds, 0.0) if math.isfinite(seconds) else default
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return default
    return max(date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp() - time.time(), 0.0)
