"""The gRPC exporters of the SDK's signals: encoded and sent by the engine."""

from __future__ import annotations

from os import environ

from ferrotel._late import TYPE_CHECKING, Generic
from opentelemetry.exporter.otlp.common._engine import EngineExporter, runs_in_engine
from opentelemetry.exporter.otlp.common._signal import Signal
from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    ExportResultT,
    ExportServiceRequestT,
    ExportStubT,
    OTLPExporterMixin,
    SDKDataT,
    _get_credentials,
    environ_to_compression,
)

if TYPE_CHECKING:
    from typing import Any, ClassVar, Iterable, Sequence

    from opentelemetry.metrics import MeterProvider


class EngineGrpcExporter(
    EngineExporter,
    OTLPExporterMixin[SDKDataT, ExportServiceRequestT, ExportResultT, ExportStubT],
    Generic[SDKDataT, ExportServiceRequestT, ExportResultT, ExportStubT],
):
    """What the exporter of one signal adds to `OTLPExporterMixin`: the signal's own variables, and the engine."""

    _HOOKS = ("export", "_export", "_translate_data")

    _SIGNAL: ClassVar[Signal]
    # The enumeration with SUCCESS and FAILURE that `export` returns.
    _RESULT: ClassVar[Any]
    _COMPONENT_TYPE: ClassVar[str]

    def _configure(
        self,
        endpoint: str | None,
        insecure: bool | None,
        credentials: Any,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None,
        timeout: float | None,
        compression: Any,
        channel_options: tuple[tuple[str, Any], ...] | None,
        retryable_error_codes: Iterable[Any] | str | None,
        meter_provider: MeterProvider | None,
    ) -> None:
        variables = self._SIGNAL.variables
        insecure_variable = environ.get(variables.insecure)
        if insecure is None and insecure_variable is not None:
            insecure = insecure_variable.lower() == "true"
        if not insecure and environ.get(variables.certificate) is not None:
            credentials = _get_credentials(
                credentials,
                variables.grpc_credential_provider,
                variables.certificate,
                variables.client_key,
                variables.client_certificate,
            )
        seconds = environ.get(variables.timeout)
        OTLPExporterMixin.__init__(
            self,
            stub=None,
            result=self._RESULT,
            endpoint=endpoint or environ.get(variables.endpoint),
            insecure=insecure,
            credentials=credentials,
            headers=headers or environ.get(variables.headers),
            timeout=timeout or (float(seconds) if seconds else None),
            compression=environ_to_compression(variables.compression) if compression is None else compression,
            channel_options=channel_options,
            retryable_error_codes=retryable_error_codes,
            component_type=self._COMPONENT_TYPE,
            signal=self._SIGNAL.name,
            meter_provider=meter_provider,
        )

    @runs_in_engine
    def _export(self, data: SDKDataT) -> ExportResultT:
        return OTLPExporterMixin._export(self, data)

    def _engine_settings(self) -> dict[str, Any]:
        return OTLPExporterMixin._engine_settings(self)

    def _initialize_channel_and_stub(self) -> None:
        self._channel = self._make_channel()
        self._client = self._engine_client()

    def _send(self, data: SDKDataT) -> str | None:
        if getattr(self._translate_data, "_runs_in_engine", False) is not True:
            return OTLPExporterMixin._send(self, data)
        self._client = engine = self._engine_client()
        problem: str | None = engine.export(data)
        return problem

    @property
    def _exporting(self) -> str:
        return self._SIGNAL.name
