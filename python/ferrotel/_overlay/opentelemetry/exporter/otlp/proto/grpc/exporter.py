"""What the gRPC exporters of all signals share."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from enum import IntEnum
from os import environ

from ferrotel import _native
from ferrotel._compat import deprecated
from ferrotel._late import TYPE_CHECKING, Generic, TypeVar, getLogger, import_logging
from opentelemetry.exporter.otlp.proto.grpc import _OTLP_GRPC_CHANNEL_OPTIONS
from opentelemetry.exporter.otlp.proto.grpc._channel import insecure_channel, secure_channel
from opentelemetry.exporter.otlp.proto.grpc._credentials import ssl_channel_credentials, tls_of
from opentelemetry.sdk.environment_variables import (
    _OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER,
    _OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES,
    OTEL_EXPORTER_OTLP_CERTIFICATE,
    OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
    OTEL_EXPORTER_OTLP_CLIENT_KEY,
    OTEL_EXPORTER_OTLP_COMPRESSION,
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_INSECURE,
    OTEL_EXPORTER_OTLP_TIMEOUT,
    OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED,
)
from opentelemetry.util._importlib_metadata import entry_points

if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Sequence

    from opentelemetry.metrics import MeterProvider

RPC_RESPONSE_STATUS_CODE = "rpc.response.status_code"

SDKDataT = TypeVar("SDKDataT")
ResourceDataT = TypeVar("ResourceDataT")
TypingResourceT = TypeVar("TypingResourceT")
ExportServiceRequestT = TypeVar("ExportServiceRequestT")
ExportResultT = TypeVar("ExportResultT")
ExportStubT = TypeVar("ExportStubT")

logger = getLogger(__name__)

_STATUS_CODES = (
    "OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED "
    "RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS "
    "UNAUTHENTICATED"
).split()
_RETRYABLE_ERROR_CODES = frozenset(
    {"CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"}
)


class _Compression(IntEnum):
    """The numbers of `grpc.Compression`, which compare equal to its members."""

    NoCompression = 0
    Deflate = 1
    Gzip = 2


# The engine speaks no deflate over gRPC, and every receiver of deflate knows gzip too.
_COMPRESSION_NAMES = {0: "none", 1: "gzip", 2: "gzip"}


class InvalidCompressionValueException(Exception):
    """A compression that a variable names is not known."""

    def __init__(self, environ_key: str, environ_value: str) -> None:
        super().__init__(f'Invalid value "{environ_value}" for compression envvar {environ_key}')


def environ_to_compression(environ_key: str) -> Any:
    """The compression that a variable asks for; None where it is not set."""
    if not environ.get(environ_key, "").strip():
        return None
    word = environ[environ_key].lower().strip()
    if word != "gzip":
        raise InvalidCompressionValueException(environ_key, word)
    return _Compression.Gzip


@deprecated("Use one of the encoders from opentelemetry-exporter-otlp-proto-common instead. Deprecated since 1.18.0.")
def get_resource_data(
    sdk_resource_scope_data: dict[Any, ResourceDataT], resource_class: Callable[..., TypingResourceT], name: str
) -> list[TypingResourceT]:
    """Messages of `resource_class`, one per resource."""
    from opentelemetry.exporter.otlp.proto.common._internal import _get_resource_data

    return _get_resource_data(sdk_resource_scope_data, resource_class, name)


def _read_file(file_path: str) -> bytes | None:
    try:
        with open(file_path, "rb") as file:
            return file.read()
    except OSError as error:
        logger.exception("Failed to read file: %s. Please check if the file exists and is accessible.", error.filename)
        return None


def _load_credentials(
    certificate_file: str | None, client_key_file: str | None, client_certificate_file: str | None
) -> Any:
    return ssl_channel_credentials(
        _read_file(certificate_file) if certificate_file else None,
        _read_file(client_key_file) if client_key_file else None,
        _read_file(client_certificate_file) if client_certificate_file else None,
    )


def _get_credentials(
    creds: Any,
    credential_entry_point_env_key: str,
    certificate_file_env_key: str,
    client_key_file_env_key: str,
    client_certificate_file_env_key: str,
) -> Any:
    if creds is not None:
        return creds
    provider = environ.get(credential_entry_point_env_key)
    if provider:
        return _provided(provider)
    certificate_file = environ.get(certificate_file_env_key)
    if not certificate_file:
        return ssl_channel_credentials()
    return _load_credentials(
        certificate_file, environ.get(client_key_file_env_key), environ.get(client_certificate_file_env_key)
    )


def _provided(name: str) -> Any:
    group = "opentelemetry_otlp_credential_provider"
    found = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        raise RuntimeError(f"Requested component '{name}' not found in entry point '{group}'")
    credentials = found.load()()
    # A provider of grpc credentials has grpc, so it can be looked at without importing it here.
    if not any(kind.__name__ == "ChannelCredentials" for kind in type(credentials).__mro__):
        raise RuntimeError(
            f"Requested component '{name}' is of type {type(credentials)} must be of type `grpc.ChannelCredentials`."
        )
    return credentials


class OTLPExporterMixin(ABC, Generic[SDKDataT, ExportServiceRequestT, ExportResultT, ExportStubT]):
    """Arguments, environment and sending of a gRPC exporter.

    `endpoint` is a URL or host:port; `insecure` turns TLS off, which `http://` does too; `credentials` are those of
    `grpc.ssl_channel_credentials`; `headers` a mapping, pairs, or the text form of the environment; `timeout` in
    seconds, retries included.
    """

    # A directory for what is not delivered; None: as the environment says.
    _spool_dir: Any = None

    def __init__(
        self,
        stub: Any,
        result: Any,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: Any = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None = None,
        timeout: float | None = None,
        compression: Any = None,
        channel_options: tuple[tuple[str, Any], ...] | None = None,
        retryable_error_codes: Iterable[Any] | str | None = None,
        *,
        component_type: Any = None,
        signal: str = "traces",
        meter_provider: MeterProvider | None = None,
    ) -> None:
        super().__init__()
        import_logging()
        _say_nothing_twice()
        self._result = result
        self._stub = stub
        self._endpoint = endpoint or environ.get(OTEL_EXPORTER_OTLP_ENDPOINT) or "http://localhost:4317"
        from urllib.parse import urlparse

        url = urlparse(self._endpoint)
        self._insecure = _is_insecure(url.scheme, insecure)
        self._endpoint = url.netloc or self._endpoint
        self._headers = _header_pairs(headers or environ.get(OTEL_EXPORTER_OTLP_HEADERS))
        self._channel_options = _with_default_options(channel_options)
        self._timeout = timeout or float(environ.get(OTEL_EXPORTER_OTLP_TIMEOUT) or 10)
        self._collector_kwargs = None
        if compression is None:
            compression = environ_to_compression(OTEL_EXPORTER_OTLP_COMPRESSION)
        self._compression = compression or _Compression.NoCompression
        self._retryable_error_codes = _retryable(
            retryable_error_codes or environ.get(_OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES)
        )
        self._credentials = credentials
        if not self._insecure:
            self._credentials = _get_credentials(
                credentials,
                _OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER,
                OTEL_EXPORTER_OTLP_CERTIFICATE,
                OTEL_EXPORTER_OTLP_CLIENT_KEY,
                OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE,
            )
        import threading

        self._shutdown_in_progress = threading.Event()
        self._shutdown = False
        self._channel: Any = None
        self._client: Any = None
        self._component_type = component_type
        self._signal = signal
        self._set_meter_provider(meter_provider)
        self._initialize_channel_and_stub()

    def _initialize_channel_and_stub(self) -> None:
        """Makes the engine's client; nothing is connected before the first batch."""
        self._channel = self._make_channel()
        make = {
            "metrics": _native.OtlpMetricExporter,
            "logs": _native.OtlpLogRecordExporter,
        }.get(self._signal, _native.OtlpSpanExporter)
        self._client = make(**self._engine_settings())

    def _make_channel(self) -> Any:
        wanted: dict[str, Any] = {"compression": self._compression, "options": self._channel_options}
        if self._insecure:
            return insecure_channel(self._endpoint, **wanted)
        return secure_channel(self._endpoint, self._credentials, **wanted)

    def _engine_settings(self) -> dict[str, Any]:
        scheme = "" if "://" in self._endpoint else "http://" if self._insecure else "https://"
        codes = self._retryable_error_codes
        tls = tls_of(None if self._insecure else self._credentials)
        return {
            "protocol": "grpc",
            "endpoint": scheme + self._endpoint,
            "insecure": bool(self._insecure),
            "headers": list(self._headers),
            "timeout": self._timeout,
            "compression": _COMPRESSION_NAMES.get(int(self._compression), "none"),
            "certificate": tls.root_certificates,
            "client_key": tls.private_key,
            "client_certificate": tls.certificate_chain,
            "user_agent": dict(self._channel_options).get("grpc.primary_user_agent"),
            # The engine's own choice heeds whether the server says when to come again.
            "retryable_codes": None if codes is _RETRYABLE_ERROR_CODES else sorted(map(_code_number, codes)),
            "spool_dir": self._spool_dir,
        }

    @abstractmethod
    def _translate_data(self, data: SDKDataT) -> ExportServiceRequestT:
        """The request message for `data`."""

    @abstractmethod
    def _count_data(self, data: SDKDataT) -> int:
        """How many items `data` holds."""

    @property
    @abstractmethod
    def _exporting(self) -> str:
        """What is exported, for log lines."""

    def _export(self, data: SDKDataT) -> ExportResultT:
        if self._shutdown:
            logger.warning("Exporter already shutdown, ignoring batch")
            return self._result.FAILURE  # type: ignore[no-any-return]
        with self._metrics.export_operation(self._count_data(data)) as outcome:
            problem = self._send(data)
            if problem is None:
                return self._result.SUCCESS  # type: ignore[no-any-return]
            outcome.error = RuntimeError(problem)
            if problem:
                logger.error(problem)
            return self._result.FAILURE  # type: ignore[no-any-return]

    def _send(self, data: SDKDataT) -> str | None:
        # A signal without an encoder in the engine, or a subclass with a translation of its own.
        request: Any = self._translate_data(data)
        problem: str | None = self._client.send(request.SerializeToString())
        return problem

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Ends a retry that waits, and refuses every later batch."""
        if self._shutdown:
            logger.warning("Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        self._shutdown_in_progress.set()
        if self._client is not None:
            self._client.shutdown()

    def _set_meter_provider(self, meter_provider: MeterProvider | None) -> None:
        from opentelemetry.exporter.otlp.common._exporter_metrics import create_exporter_metrics

        enabled = environ.get(OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED, "").strip().lower() == "true"
        self._metrics = create_exporter_metrics(
            self._component_type, self._signal, self._endpoint, meter_provider, enabled
        )


def _say_nothing_twice() -> None:
    from opentelemetry.sdk._shared_internal import DuplicateFilter

    if not any(isinstance(rule, DuplicateFilter) for rule in logger.filters):
        logger.addFilter(DuplicateFilter())


def _is_insecure(scheme: str, insecure: bool | None) -> bool:
    if scheme == "https":
        return False
    if insecure is not None:
        return insecure
    variable = environ.get(OTEL_EXPORTER_OTLP_INSECURE)
    return scheme == "http" if variable is None else variable.lower() == "true"


def _header_pairs(headers: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(headers, str):
        from opentelemetry.util.re import parse_env_headers

        headers = parse_env_headers(headers, liberal=True)
    if isinstance(headers, dict) or hasattr(headers, "items"):
        headers = headers.items()
    return tuple(headers or ())


def _with_default_options(options: tuple[tuple[str, Any], ...] | None) -> tuple[tuple[str, Any], ...]:
    given = tuple(options or ())
    names = {name for name, _ in given}
    return tuple(option for option in _OTLP_GRPC_CHANNEL_OPTIONS if option[0] not in names) + given


def _retryable(codes: Iterable[Any] | str | None) -> frozenset[Any]:
    if codes is None:
        return _RETRYABLE_ERROR_CODES
    if isinstance(codes, str):
        codes = [code.strip().upper() for code in codes.split(",") if code.strip()]
        codes = map(_code, codes)
    return frozenset(codes)


def _code(name: str) -> Any:
    """The member of `grpc.StatusCode` in a program that has imported grpc, else the name."""
    grpc = sys.modules.get("grpc")
    return name if grpc is None else grpc.StatusCode[name]


def _code_number(code: Any) -> int:
    """The number of a `grpc.StatusCode`, of its name, or itself."""
    name = getattr(code, "name", code)
    if isinstance(name, int):
        return name
    try:
        return _STATUS_CODES.index(name)
    except ValueError:
        raise KeyError(name) from None
