"""The HTTP client `requests`, for sessions that the program brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping

from opentelemetry.exporter.http.transport._base import BaseHTTPResult, BaseHTTPTransport

if TYPE_CHECKING:
    import requests


class RequestsHTTPResult(BaseHTTPResult):
    """What became of a request made by `requests`."""

    def __init__(
        self,
        status_code: int | None = None,
        reason: str | None = None,
        error: Exception | None = None,
        response: requests.Response | None = None,
    ) -> None:
        super().__init__(status_code, reason, error)
        self.response = response

    def content(self) -> bytes:
        return b"" if self.response is None else self.response.content or b""

    def headers(self) -> Mapping[str, str]:
        return {} if self.response is None else self.response.headers


class RequestsHTTPTransport(BaseHTTPTransport):
    """Sends through a session: the given one, or one of its own."""

    def __init__(
        self,
        *,
        verify: bool | str = True,
        cert: str | tuple[str, str] | None = None,
        session: requests.Session | None = None,
        **kwargs: Any,
    ) -> None:
        if session is None:
            import requests

            session = requests.Session()
        self._session = session
        self._session.verify = verify
        if cert is not None:
            self._session.cert = cert

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        data: bytes | None = None,
    ) -> BaseHTTPResult:
        try:
            response = self._session.request(
                method=method, url=url, headers=headers, data=data, timeout=timeout, allow_redirects=False
            )
        except Exception as error:
            return RequestsHTTPResult(error=error)
        return RequestsHTTPResult(response.status_code, response.reason, response=response)

    def is_connection_error(self, exception: Exception | None) -> bool:
        if exception is None:
            return False
        from requests import exceptions

        return isinstance(exception, (exceptions.ConnectionError, exceptions.Timeout))

    def close(self) -> None:
        self._session.close()
