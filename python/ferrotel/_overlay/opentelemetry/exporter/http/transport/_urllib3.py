"""The HTTP client `urllib3`, for programs that hand one to an exporter."""

from __future__ import annotations

from typing import Any, Mapping

from opentelemetry.exporter.http.transport._base import BaseHTTPResult, BaseHTTPTransport


class Urllib3HTTPResult(BaseHTTPResult):
    """What became of a request made by `urllib3`."""

    def __init__(
        self,
        status_code: int | None = None,
        reason: str | None = None,
        error: Exception | None = None,
        response: Any = None,
    ) -> None:
        super().__init__(status_code, reason, error)
        self.response = response

    def content(self) -> bytes:
        return b"" if self.response is None else self.response.data or b""

    def headers(self) -> Mapping[str, str]:
        return {} if self.response is None else self.response.headers


class Urllib3HTTPTransport(BaseHTTPTransport):
    """Sends through a pool of connections of its own, without redirects and retries."""

    def __init__(self, *, verify: bool | str = True, cert: str | tuple[str, str] | None = None, **kwargs: Any) -> None:
        import urllib3

        certificate, key = cert if isinstance(cert, tuple) else (cert, None)
        tls = {
            "cert_reqs": "CERT_REQUIRED" if verify else "CERT_NONE",
            "ca_certs": verify if isinstance(verify, str) else None,
            "cert_file": certificate,
            "key_file": key,
        }
        given: dict[str, Any] = {name: value for name, value in tls.items() if value is not None}
        self._pool = urllib3.PoolManager(retries=urllib3.Retry(0, redirect=False), **given)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        data: bytes | None = None,
    ) -> BaseHTTPResult:
        import urllib3

        limit = None if timeout is None else urllib3.Timeout(total=timeout)
        try:
            response = self._pool.request(method, url, headers=headers, body=data, timeout=limit, preload_content=True)
        except Exception as error:
            return Urllib3HTTPResult(error=error)
        return Urllib3HTTPResult(response.status, response.reason, response=response)

    def is_connection_error(self, exception: Exception | None) -> bool:
        from urllib3 import exceptions

        # A timeout while connecting, a refusal and an unknown name are all of the last kind once the pool gives up.
        kinds = (exceptions.ConnectTimeoutError, exceptions.ProtocolError, exceptions.MaxRetryError)
        return isinstance(exception, kinds)

    def close(self) -> None:
        self._pool.clear()
