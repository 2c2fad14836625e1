"""TLS material for gRPC, without needing the package `grpc`."""

from __future__ import annotations

import sys

from ferrotel._late import TYPE_CHECKING, getLogger

if TYPE_CHECKING:
    from typing import Any

_logger = getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter")


class TlsCredentials:
    """What `grpc.ssl_channel_credentials` takes; None stands for the system's roots, or for no client certificate."""

    def __init__(
        self,
        root_certificates: bytes | None = None,
        private_key: bytes | None = None,
        certificate_chain: bytes | None = None,
    ) -> None:
        self.root_certificates = root_certificates
        self.private_key = private_key
        self.certificate_chain = certificate_chain


def tls_of(credentials: Any) -> TlsCredentials:
    """The certificates inside `credentials`: ours, or a `grpc.ChannelCredentials` of `ssl_channel_credentials`.

    What can't be read is told as an error that says what to use instead; the system's roots are used then.
    """
    if credentials is None or isinstance(credentials, TlsCredentials):
        return credentials or TlsCredentials()
    inner: Any = getattr(credentials, "_credentials", None)
    try:
        return TlsCredentials(inner._pem_root_certificates, inner._private_key, inner._certificate_chain)
    except AttributeError:
        _logger.error(
            "credentials of type %s can't be used by this exporter: only TLS certificates made by"
            " grpc.ssl_channel_credentials can. Name the files in OTEL_EXPORTER_OTLP_CERTIFICATE,"
            " OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE instead, and send tokens as"
            " headers. The system's root certificates are used now.",
            type(inner if inner is not None else credentials).__name__,
        )
        return TlsCredentials()


def ssl_channel_credentials(
    root_certificates: bytes | None = None, private_key: bytes | None = None, certificate_chain: bytes | None = None
) -> Any:
    """Credentials of the package `grpc` in a program that has imported it, else ours."""
    grpc = sys.modules.get("grpc")
    make = TlsCredentials if grpc is None else grpc.ssl_channel_credentials
    return make(root_certificates, private_key, certificate_chain)
