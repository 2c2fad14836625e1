"""What the instrumentations of HTTP clients have in common: a span, and metrics, of every request.

A program calls few servers and gets few kinds of answers, again and again: all attributes that depend on nothing else
are made once and kept.
"""

from __future__ import annotations

from functools import lru_cache
from logging import getLogger
from typing import Any, Callable, Iterable, Mapping

from opentelemetry.context import attach, detach
from opentelemetry.instrumentation._semantic_conventions import (
    ERROR_TYPE,
    HTTP_CLIENT_REQUEST_DURATION,
    HTTP_URL,
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
    URL_FULL,
    USER_AGENT_ORIGINAL,
    USER_AGENT_SYNTHETIC_TYPE,
)
from opentelemetry.instrumentation._semconv import (
    HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
    HTTP_DURATION_HISTOGRAM_BUCKETS_OLD,
    _client_duration_attrs_new,
    _client_duration_attrs_old,
    _filter_semconv_duration_attrs,
    _get_schema_url,
    _OpenTelemetrySemanticConventionStability,
    _OpenTelemetryStabilitySignalType,
    _report_new,
    _report_old,
    _set_http_host_client,
    _set_http_method,
    _set_http_net_peer_name_client,
    _set_http_network_protocol_version,
    _set_http_peer_port_client,
    _set_http_scheme,
    _set_status,
    _StabilityMode,
)
from opentelemetry.instrumentation.utils import http_status_to_status_code
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.propagate import inject
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)
from opentelemetry.util.http import (
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE,
    OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS,
    SanitizeValue,
    detect_synthetic_user_agent,
    get_custom_headers,
    normalise_request_header_name,
    normalise_response_header_name,
    normalize_user_agent,
    sanitize_method,
)

_logger = getLogger(__name__)

# A program that calls ever new servers must not fill the memory.
_MAX_PEERS = 256
_MAX_OUTCOMES = 64
_UNSET = Status()


class _Outcome:
    """An answer: its status and version, or the exception instead of one."""

    __slots__ = ("attributes", "new", "old", "status")

    def __init__(self, attributes: dict[str, Any], status: Status, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.attributes = attributes
        self.status = status
        # Of the histograms of the two generations.
        self.old = old
        self.new = new


class _Peer:
    """A method, and the server that it is used on."""

    __slots__ = ("attributes", "labels", "outcomes", "span_name")

    def __init__(self, span_name: str, attributes: dict[str, Any], labels: dict[str, Any]) -> None:
        self.span_name = span_name
        self.attributes = attributes
        self.labels = labels
        self.outcomes: dict[Any, _Outcome] = {}


class _Call:
    """A request on its way."""

    __slots__ = ("context", "peer", "span")

    def __init__(self, span: Span, peer: _Peer) -> None:
        self.span = span
        self.peer = peer
        # Its span is current in there.
        self.context = set_span_in_context(span)

    def hook(self, hook: Callable[..., Any], *arguments: Any) -> None:
        """Calls a hook with the span. What it raises is logged."""
        token = attach(self.context)
        try:
            hook(self.span, *arguments)
        except Exception:
            _logger.exception("A hook for HTTP requests raised")
        finally:
            detach(token)

    async def hook_async(self, hook: Callable[..., Any], *arguments: Any) -> None:
        """Calls a hook that is a coroutine function; a plain one will do."""
        token = attach(self.context)
        try:
            result = hook(self.span, *arguments)
            if hasattr(result, "__await__"):
                await result
        except Exception:
            _logger.exception("A hook for HTTP requests raised")
        finally:
            detach(token)

    def inject(self, headers: Any) -> None:
        """Adds what is propagated to the headers of the request."""
        try:
            inject(headers, self.context)
        except Exception:
            _logger.exception("The context could not be added to the headers of an HTTP request")


class _ClientTelemetry:
    """Makes the spans and the metrics of a client library.

    `name` and `version` are those of the instrumentation. `peer_in_old_metrics`: in the old generation alone, metrics
    name the server. `boundaries` replace those of the histograms' buckets.
    """

    def __init__(
        self,
        name: str,
        version: str,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        peer_in_old_metrics: bool = False,
        boundaries: Any = None,
    ) -> None:
        stability = _OpenTelemetrySemanticConventionStability
        stability._initialize()
        mode = stability._get_opentelemetry_stability_opt_in_mode(_OpenTelemetryStabilitySignalType.HTTP)
        schema_url = _get_schema_url(mode)
        self.tracer = get_tracer(name, version, tracer_provider, schema_url=schema_url)
        meter = get_meter(name, version, meter_provider, schema_url=schema_url)
        self._old = self._new = None
        url_keys: list[str] = []
        if _report_old(mode):
            url_keys.append(HTTP_URL)
            self._old = meter.create_histogram(
                name="http.client.duration",
                unit="ms",
                description="measures the duration of the outbound HTTP request",
                explicit_bucket_boundaries_advisory=boundaries or HTTP_DURATION_HISTOGRAM_BUCKETS_OLD,
            )
        if _report_new(mode):
            url_keys.append(URL_FULL)
            self._new = meter.create_histogram(
                name=HTTP_CLIENT_REQUEST_DURATION,
                unit="s",
                description="Duration of HTTP client requests.",
                explicit_bucket_boundaries_advisory=boundaries or HTTP_DURATION_HISTOGRAM_BUCKETS_NEW,
            )
        self._url_keys = url_keys
        self._mode = mode
        self._is_new = _report_new(mode)
        self._peer_in_metrics = peer_in_old_metrics or self._is_new
        self._peers: dict[tuple[str, str], _Peer] = {}
        self.captured_request = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST)
        self.captured_response = get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE)
        self._sanitize = SanitizeValue(get_custom_headers(OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS))

    def peer(self, method: str, url: str, read: Callable[[str], tuple[str, Any, Any]]) -> _Peer:
        """The server of a URL. `read` finds its scheme, host and port, where there are any; it may raise ValueError."""
        end = url.find("/", url.find("://") + 3)
        key = (method, url if end < 0 else url[:end])
        peer = self._peers.get(key)
        if peer is None:
            if len(self._peers) >= _MAX_PEERS:
                self._peers.clear()
            peer = self._peers[key] = self._make_peer(method, url, read)
        return peer

    def _make_peer(self, method: str, url: str, read: Callable[[str], tuple[str, Any, Any]]) -> _Peer:
        mode = self._mode
        known = sanitize_method(method.strip())
        attributes: dict[str, Any] = {}
        _set_http_method(attributes, method, known, mode)
        labels = dict(attributes)
        try:
            scheme, host, port = read(url)
        except ValueError:
            scheme, host, port = "", None, None
        if _report_old(mode):
            _set_http_scheme(labels, scheme, mode)
        if host and self._peer_in_metrics:
            _set_http_host_client(labels, host, mode)
            _set_http_net_peer_name_client(labels, host, mode)
        if port and self._peer_in_metrics:
            _set_http_peer_port_client(labels, port, mode)
        if host and self._is_new:
            _set_http_host_client(attributes, host, mode)
            attributes[NETWORK_PEER_ADDRESS] = host
        if port and self._is_new:
            _set_http_peer_port_client(attributes, port, mode)
            attributes[NETWORK_PEER_PORT] = port
        return _Peer("HTTP" if known == "_OTHER" else known, attributes, labels)

    def start(self, peer: _Peer, url: str, more: Mapping[str, Any]) -> _Call:
        """Starts the span of a request. `more` are attributes."""
        attributes = {**peer.attributes, **more}
        for key in self._url_keys:
            attributes[key] = url
        span = self.tracer.start_span(peer.span_name, kind=SpanKind.CLIENT, attributes=attributes)
        return _Call(span, peer)

    def request_headers(self, headers: Mapping[str, Any]) -> dict[str, list[str]]:
        """The attributes for the headers of a request that the environment wants on spans."""
        return self._sanitize.sanitize_header_values(headers, self.captured_request, normalise_request_header_name)

    def response_headers(self, headers: Mapping[str, Any]) -> dict[str, list[str]]:
        """The attributes for the headers of a response that the environment wants on spans."""
        return self._sanitize.sanitize_header_values(headers, self.captured_response, normalise_response_header_name)

    def outcome(self, peer: _Peer, status: Any, version: str, error: BaseException | None = None) -> _Outcome:
        """What there is to say of an answer. `status` is None when there was none."""
        error_type = None if error is None else type(error).__qualname__
        key = (status, version, error_type)
        outcome = peer.outcomes.get(key)
        if outcome is None:
            if len(peer.outcomes) >= _MAX_OUTCOMES:
                peer.outcomes.clear()
            outcome = peer.outcomes[key] = self._make_outcome(peer, status, version, error_type)
        return outcome

    def _make_outcome(self, peer: _Peer, status: Any, version: str, error_type: str | None) -> _Outcome:
        mode = self._mode
        labels: dict[str, Any] = {}
        span_status = _UNSET
        if status is not None:
            try:
                code = int(status)
            except ValueError:
                code = -1
            _set_status(INVALID_SPAN, labels, code, str(status), server_span=False, sem_conv_opt_in_mode=mode)
            if code < 0:
                span_status = Status(StatusCode.ERROR, f"Non-integer HTTP status: {status}")
            else:
                span_status = Status(http_status_to_status_code(code))
        attributes = dict(labels)
        if self._is_new:
            _set_http_network_protocol_version(attributes, version, mode)
        if self._peer_in_metrics:
            _set_http_network_protocol_version(labels, version, mode)
        if error_type is not None and self._is_new:
            attributes[ERROR_TYPE] = labels[ERROR_TYPE] = error_type
        labels = {**peer.labels, **labels}
        both = (_client_duration_attrs_old, _client_duration_attrs_new)
        old = _filter_semconv_duration_attrs(labels, *both, sem_conv_opt_in_mode=_StabilityMode.DEFAULT)
        new = _filter_semconv_duration_attrs(labels, *both, sem_conv_opt_in_mode=_StabilityMode.HTTP)
        return _Outcome(attributes, span_status, dict(old), dict(new))

    def describe(self, call: _Call, outcome: _Outcome, headers: Callable[[], Mapping[str, Any]] | None) -> None:
        """Puts an answer on the span. `headers` reads those of the response, in case that they are wanted."""
        span = call.span
        if not span.is_recording():
            return
        span.set_attributes(outcome.attributes)
        if outcome.status is not _UNSET and outcome.status.status_code is StatusCode.ERROR:
            span.set_status(outcome.status)
        if self.captured_response and headers is not None:
            span.set_attributes(self.response_headers(headers()))

    def measure(self, call: _Call, outcome: _Outcome, seconds: float) -> None:
        """Records the duration; exemplars show the span."""
        if self._old is not None:
            self._old.record(max(round(seconds * 1000), 0), dict(outcome.old), context=call.context)
        if self._new is not None:
            self._new.record(max(seconds, 0), dict(outcome.new), context=call.context)


def _fail(span: Span, error: BaseException) -> None:
    """Puts an exception on the span. What is no Exception, such as the end of a task, is no error of the request."""
    if isinstance(error, Exception) and span.is_recording():
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))


def _user_agent_attributes(user_agent: Any) -> dict[str, Any]:
    """The attributes for a User-Agent header."""
    return _cached_user_agent(user_agent) if isinstance(user_agent, (str, bytes)) else _read_user_agent(user_agent)


def _read_user_agent(user_agent: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    text = normalize_user_agent(user_agent)
    if text:
        attributes[USER_AGENT_ORIGINAL] = text
        kind = detect_synthetic_user_agent(text)
        if kind:
            attributes[USER_AGENT_SYNTHETIC_TYPE] = kind
    return attributes


# A program calls itself the same in all its requests. Nobody changes what is returned.
_cached_user_agent = lru_cache(maxsize=64)(_read_user_agent)


def _header_texts(headers: Iterable[tuple[Any, Any]]) -> dict[str, list[str]]:
    """The values of each header as text, by its name in lower case."""
    texts: dict[str, list[str]] = {}
    for name, value in headers:
        texts.setdefault(_text(name).lower(), []).append(_text(value))
    return texts


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
