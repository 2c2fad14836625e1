"""The tracer provider."""

from __future__ import annotations

import _thread
import atexit
import os

from ferrotel._late import TYPE_CHECKING, getLogger, import_logging
from opentelemetry import trace as trace_api
from opentelemetry.sdk.environment_variables import OTEL_SDK_DISABLED
from opentelemetry.sdk.resources import Resource, _get_process_dependent_resource
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace._span import _older_form
from opentelemetry.sdk.trace._span_limits import SpanLimits
from opentelemetry.sdk.trace._span_processor import (
    ConcurrentMultiSpanProcessor,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
)
from opentelemetry.sdk.trace._tracer import (
    Tracer,
    _default_tracer_configurator,
    _TracerConfig,
)
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.util._fork import call_after_fork
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace._unrecorded import note_unused_provider

if TYPE_CHECKING:
    from opentelemetry import metrics as metrics_api
    from opentelemetry.sdk.trace._tracer import _TracerConfiguratorT
    from opentelemetry.util import types

logger = getLogger("opentelemetry.sdk.trace")


class TracerProvider(trace_api.TracerProvider):
    """Where tracers come from (specification: trace SDK, tracer provider).

    Args:
        sampler: Which spans are recorded; default: as OTEL_TRACES_SAMPLER says, else parent based and always on.
        resource: Who is observed; default: ``Resource.create({})``.
        shutdown_on_exit: Shut down, and so deliver what waits, when the interpreter exits.
        active_span_processor: What spans are handed to; default: a ``SynchronousMultiSpanProcessor``.
        id_generator: Makes the ids; default: ``RandomIdGenerator``.
        span_limits: How much a span may hold; default: as the environment says.
        meter_provider: For the SDK's metrics about itself.
    """

    def __init__(
        self,
        sampler: sampling.Sampler | None = None,
        resource: Resource | None = None,
        shutdown_on_exit: bool = True,
        active_span_processor: SynchronousMultiSpanProcessor | ConcurrentMultiSpanProcessor | None = None,
        id_generator: IdGenerator | None = None,
        span_limits: SpanLimits | None = None,
        *,
        meter_provider: metrics_api.MeterProvider | None = None,
        _tracer_configurator: _TracerConfiguratorT | None = None,
    ) -> None:
        import_logging()
        from opentelemetry.sdk.environment_variables._log_level import apply_log_level

        # Now, and not while an exception is recorded.
        from opentelemetry.sdk.trace import _stack_trace as _stack_trace
        from opentelemetry.sdk.util._exit import shut_down_at_exit

        apply_log_level()
        self._active_span_processor = active_span_processor or SynchronousMultiSpanProcessor()
        self.id_generator = RandomIdGenerator() if id_generator is None else id_generator
        self._resource = Resource.create({}) if resource is None else resource
        self.sampler = sampler or sampling._get_from_env_or_default()
        self._span_limits = span_limits or SpanLimits()
        self._disabled = os.environ.get(OTEL_SDK_DISABLED, "").strip().lower() == "true"
        self._meter_provider = meter_provider
        self._tracer_configurator = _tracer_configurator or _default_tracer_configurator
        self._tracers_lock = _thread.RLock()
        self._tracers: dict[InstrumentationScope, Tracer] = {}
        self._atexit_handler = shut_down_at_exit(self) if shutdown_on_exit else None
        call_after_fork(self._handle_fork)

    def _handle_fork(self) -> None:
        self._tracers_lock = _thread.RLock()
        if self._atexit_handler is not None:
            from opentelemetry.sdk.util._exit import deliver_at_end_of_child

            deliver_at_end_of_child(self)
        self._update_resource(_get_process_dependent_resource())

    def _update_resource(self, resource: Resource) -> None:
        with self._tracers_lock:
            self._resource = self._resource.merge(resource)
            for tracer in list(self._tracers.values()):
                tracer._set_resource(self._resource)

    def _set_tracer_configurator(self, *, tracer_configurator: _TracerConfiguratorT) -> None:
        """Replaces the configurator, for the tracers that exist as well."""
        self._tracer_configurator = tracer_configurator
        with self._tracers_lock:
            for scope, tracer in list(self._tracers.items()):
                tracer._set_tracer_config(self._apply_tracer_configurator(scope))

    def _apply_tracer_configurator(self, instrumentation_scope: InstrumentationScope) -> _TracerConfig:
        try:
            return self._tracer_configurator(instrumentation_scope)
        except Exception:
            logger.exception(
                "Failed to create a Tracer Config for %s, using default Tracer config", instrumentation_scope
            )
            return _TracerConfig.default()

    @property
    def resource(self) -> Resource:
        """Who is observed."""
        return self._resource

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: types.Attributes = None,
    ) -> trace_api.Tracer:
        """Returns the tracer of a scope, always the same one.

        Args:
            instrumenting_module_name: The name of the library or module that makes the spans.
            instrumenting_library_version: Its version.
            schema_url: The schema of what it emits.
            attributes: The scope's attributes.
        """
        if self._disabled:
            return trace_api.NoOpTracer()
        if not instrumenting_module_name:
            instrumenting_module_name = ""
            logger.error("get_tracer called with missing module name.")
        version = instrumenting_library_version or ""
        scope = InstrumentationScope(instrumenting_module_name, version, schema_url, attributes)
        with self._tracers_lock:
            tracer = self._tracers.get(scope)
            if tracer is None:
                note_unused_provider(None)
                made = Tracer(
                    self.sampler,
                    self.resource,
                    self._active_span_processor,
                    self.id_generator,
                    _older_form(scope),
                    self._span_limits,
                    scope,
                    meter_provider=self._meter_provider,
                    _tracer_config=self._apply_tracer_configurator(scope),
                )
                # A signal handler, or the configurator, may have asked for the same one meanwhile.
                tracer = self._tracers.setdefault(scope, made)
            return tracer

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Adds a processor after those that are there."""
        self._active_span_processor.add_span_processor(span_processor)
        if not self._tracers and not self._disabled:
            note_unused_provider(self)

    def shutdown(self) -> None:
        """Shuts the processors down, which delivers what waits."""
        note_unused_provider(None)
        self._active_span_processor.shutdown()
        if self._atexit_handler is not None:
            atexit.unregister(self._atexit_handler)
            self._atexit_handler = None

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Exports what waits; returns False when ``timeout_millis`` passed first."""
        return self._active_span_processor.force_flush(timeout_millis)
