"""What an HTTP client must offer."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, Mapping


class BaseHTTPResult(ABC):
    """What became of one request: a status with its reason, or the error that came before any answer."""

    def __init__(
        self, status_code: int | None = None, reason: str | None = None, error: Exception | None = None
    ) -> None:
        self.status_code = status_code
        self.reason = reason
        self.error = error

    @abstractmethod
    def content(self) -> bytes:
        """The body."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """The answer's headers; the mapping does not tell upper from lower case."""

    def text(self) -> str:
        """The body as UTF-8."""
        return self.content().decode("utf-8")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.text())


class BaseHTTPTransport(ABC):
    """Sends requests."""

    @abstractmethod
    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        data: bytes | None = None,
    ) -> BaseHTTPResult:
        """Sends one request; `timeout` in seconds. Errors are in the result."""

    @abstractmethod
    def is_connection_error(self, exception: Exception | None) -> bool:
        """Whether `exception` says that the connection failed, so that another attempt may succeed."""

    @abstractmethod
    def close(self) -> None:
        """Gives connections back."""
