"""The metrics API without an SDK: no-op meters, and proxies that become real."""

from __future__ import annotations

import inspect
import pickle
import threading
from typing import Any
from unittest.mock import Mock

import pytest

from opentelemetry import metrics
from opentelemetry.metrics import _internal as internal
from opentelemetry.metrics._internal import instrument as instruments

SYNCHRONOUS = {
    "create_counter": ("add", metrics.Counter),
    "create_up_down_counter": ("add", metrics.UpDownCounter),
    "create_histogram": ("record", metrics.Histogram),
    "create_gauge": ("set", metrics._Gauge),
}
OBSERVABLE = {
    "create_observable_counter": metrics.ObservableCounter,
    "create_observable_up_down_counter": metrics.ObservableUpDownCounter,
    "create_observable_gauge": metrics.ObservableGauge,
}


def _callback(options: metrics.CallbackOptions) -> list[metrics.Observation]:
    return [metrics.Observation(1)]


@pytest.mark.parametrize("create", SYNCHRONOUS)
def test_no_op_instruments_take_measurements(create: str) -> None:
    method, kind = SYNCHRONOUS[create]
    made = getattr(metrics.NoOpMeter("test"), create)("name", unit="s", description="words")
    assert isinstance(made, kind)
    assert getattr(made, method)(1, {"a": 1}, None) is None
    assert getattr(made, method)(amount=1.5, attributes=None, context=None) is None


@pytest.mark.parametrize("create", OBSERVABLE)
def test_no_op_observable_instruments_take_callbacks(create: str) -> None:
    made = getattr(metrics.NoOpMeter("test"), create)("name", [_callback], "s", "words")
    assert isinstance(made, OBSERVABLE[create])


def test_a_no_op_provider_gives_no_op_meters() -> None:
    meter = metrics.get_meter("name", "1.0", metrics.NoOpMeterProvider(), "https://schema", {"a": 1})
    assert isinstance(meter, metrics.NoOpMeter)
    assert (meter.name, meter.version, meter.schema_url) == ("name", "1.0", "https://schema")
    assert metrics.NoOpMeterProvider().get_meter(None).name is None  # type: ignore[arg-type]


def test_no_op_instruments_with_another_advisory_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    meter = metrics.NoOpMeter("test")
    meter.create_histogram("name", explicit_bucket_boundaries_advisory=[1.0])
    meter.create_histogram("name", explicit_bucket_boundaries_advisory=[1.0])
    meter.create_counter("name")
    assert caplog.records == []
    meter.create_histogram("NAME ", explicit_bucket_boundaries_advisory=[2.0])
    (record,) = caplog.records
    assert record.name == "opentelemetry.metrics._internal"
    assert "has been created already with a different advisory value" in record.getMessage()


@pytest.mark.parametrize("create", SYNCHRONOUS)
def test_a_synchronous_instrument_becomes_real(create: str) -> None:
    method, kind = SYNCHRONOUS[create]
    made = getattr(metrics.get_meter("scope", "1.0"), create)("name", unit="s", description="words")
    assert isinstance(made, kind)
    getattr(made, method)(1)
    provider = Mock()
    metrics.set_meter_provider(provider)
    provider.get_meter.assert_called_once_with("scope", "1.0", None)
    real = getattr(provider.get_meter(), create)
    extra = {"explicit_bucket_boundaries_advisory": None} if create == "create_histogram" else {}
    real.assert_called_once_with("name", "s", "words", **extra)
    getattr(made, method)(2, {"a": 1})
    getattr(real(), method).assert_called_once_with(2, {"a": 1}, None)


@pytest.mark.parametrize("create", OBSERVABLE)
def test_an_observable_instrument_becomes_real_even_if_nobody_kept_it(create: str) -> None:
    getattr(metrics.get_meter("scope"), create)("name", [_callback], unit="s", description="words")
    provider = Mock()
    metrics.set_meter_provider(provider)
    getattr(provider.get_meter(), create).assert_called_once_with("name", [_callback], "s", "words")


def test_what_is_made_after_the_provider_is_real() -> None:
    proxy_provider = metrics.get_meter_provider()
    meter = metrics.get_meter("scope")
    provider = Mock()
    metrics.set_meter_provider(provider)
    assert metrics.get_meter_provider() is provider
    assert proxy_provider.get_meter("other") is provider.get_meter("other")
    for create in (*SYNCHRONOUS, *OBSERVABLE):
        assert getattr(meter, create)("name") is getattr(provider.get_meter(), create)("name")


def test_scope_attributes_reach_the_real_provider() -> None:
    metrics.get_meter("scope", attributes={"a": 1})
    provider = Mock()
    metrics.set_meter_provider(provider)
    provider.get_meter.assert_called_once_with("scope", "", None, {"a": 1})


def test_a_program_without_a_provider_does_not_grow() -> None:
    for _ in range(50):
        meter = metrics.get_meter("scope", "1.0")
        for create in SYNCHRONOUS:
            getattr(meter, create)("name", "s", "words")
    assert len(internal._PROXY_METER_PROVIDER._meters) == 1
    (only,) = internal._PROXY_METER_PROVIDER._meters
    assert len(only._instruments) == len(SYNCHRONOUS)
    assert meter.create_counter("name", "s", "words") is not meter.create_counter("name", "s", "other words")
    assert len(meter._instruments) == len(SYNCHRONOUS) + 1  # type: ignore[attr-defined]


def test_strange_names_do_not_raise() -> None:
    strange: Any = ["no", "string"]
    meter = metrics.get_meter(strange)
    counter = meter.create_counter(strange)
    counter.add(1)
    metrics.NoOpMeter("x").create_counter(strange).add(1)
    provider = Mock()
    metrics.set_meter_provider(provider)
    provider.get_meter().create_counter.assert_called_once_with(strange, "", "")


def test_a_provider_that_asks_the_proxies_for_more_does_not_deadlock() -> None:
    meter = metrics.get_meter("scope")
    meter.create_counter("first")

    class Curious(metrics.NoOpMeter):
        def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
            if name == "first":
                meter.create_counter("second")
            return super().create_counter(name, unit, description)

    class Provider(metrics.MeterProvider):
        def get_meter(self, name: str, *args: Any, **kwargs: Any) -> metrics.Meter:
            metrics.set_meter_provider(self)
            metrics.get_meter("own metrics", meter_provider=internal._PROXY_METER_PROVIDER) if name == "scope" else None
            return Curious(name)

    worker = threading.Thread(target=metrics.set_meter_provider, args=(Provider(),), daemon=True)
    worker.start()
    worker.join(5)
    assert not worker.is_alive()


def test_the_provider_can_be_set_once(caplog: pytest.LogCaptureFixture) -> None:
    first = Mock()
    metrics.set_meter_provider(first)
    metrics.set_meter_provider(Mock())
    assert metrics.get_meter_provider() is first
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("opentelemetry.metrics._internal", "Overriding of current MeterProvider is not allowed")
    ]


def test_a_provider_named_in_the_environment(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("OTEL_PYTHON_METER_PROVIDER", "nobody_has_this")
    assert metrics.get_meter_provider() is metrics.get_meter_provider() is internal._PROXY_METER_PROVIDER
    assert [r.getMessage() for r in caplog.records] == ["Failed to load configured provider meter_provider"]
    provider = Mock()
    monkeypatch.setattr(internal, "_load_provider", lambda variable, kind: provider)
    assert metrics.get_meter_provider() is provider


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a", True),
        ("a" * 255, True),
        ("a.b-c_d/e", True),
        ("a" * 256, False),
        ("", False),
        ("1a", False),
        ("_a", False),
        ("Ñ", False),
        ("a b", False),
        (None, False),
    ],
)
def test_names_are_checked(name: Any, good: bool) -> None:
    assert metrics.Instrument._check_name_unit_description(name, "", "")["name"] == (name if good else None)


@pytest.mark.parametrize(
    ("unit", "clean"), [("ms", "ms"), ("{a}", "{a}"), ("a" * 63, "a" * 63), ("a" * 64, None), ("Ñ", None), (None, "")]
)
def test_units_are_checked(unit: Any, clean: Any) -> None:
    checked = metrics.Instrument._check_name_unit_description("name", unit, None)  # type: ignore[arg-type]
    assert checked == {"name": "name", "unit": clean, "description": ""}


def test_observations_compare_by_what_they_say() -> None:
    assert metrics.Observation(1, {"a": 1}) == metrics.Observation(1, {"a": 1})
    assert metrics.Observation(1, {"a": 1}) != metrics.Observation(1, {"a": 2})
    assert metrics.Observation(1) != metrics.Observation(2)
    assert metrics.Observation(1) != 1
    assert repr(metrics.Observation(1, {"a": 1})) == "Observation(value=1, attributes={'a': 1}, context=None)"


def test_callback_options() -> None:
    assert metrics.CallbackOptions().timeout_millis == 10_000
    assert metrics.CallbackOptions(5) == metrics.CallbackOptions(timeout_millis=5)
    with pytest.raises(AttributeError):
        metrics.CallbackOptions().timeout_millis = 1  # type: ignore[misc]


def test_a_meter_from_before_gauges_warns() -> None:
    class Old(metrics.NoOpMeter):
        create_gauge = metrics.Meter.create_gauge

    with pytest.warns(UserWarning, match="create_gauge"):
        gauge = Old("x").create_gauge("name")
    gauge.set(1)


def test_the_abstract_methods() -> None:
    assert metrics.MeterProvider.__abstractmethods__ == {"get_meter"}
    assert metrics.Meter.__abstractmethods__ == {*SYNCHRONOUS, *OBSERVABLE} - {"create_gauge"}
    for kind in (metrics.Counter, metrics.UpDownCounter, metrics.Histogram, metrics._Gauge, metrics.ObservableGauge):
        assert inspect.isabstract(kind)


def test_classes_show_their_public_home() -> None:
    assert metrics.Counter.__module__ == "opentelemetry.metrics"
    assert repr(metrics.NoOpMeter) == "<class 'opentelemetry.metrics.NoOpMeter'>"
    assert pickle.loads(pickle.dumps(metrics.CallbackOptions(3))) == metrics.CallbackOptions(3)
    assert instruments.Gauge is metrics._Gauge
    assert issubclass(instruments._ProxyCounter, metrics.Counter)


@pytest.mark.parametrize("create", [*SYNCHRONOUS, *OBSERVABLE])
def test_advised_attributes_reach_the_real_meter_and_only_they(create: str) -> None:
    callbacks: Any = {} if create in SYNCHRONOUS else {"callbacks": [_callback]}
    provider = internal._ProxyMeterProvider()
    meter = provider.get_meter("m")
    getattr(meter, create)("plain", **callbacks)
    getattr(meter, create)("advised", attributes_advisory=["a"], **callbacks)
    real = Mock()
    provider.on_set_meter_provider(real)
    plain, advised = getattr(real.get_meter.return_value, create).call_args_list
    assert "attributes_advisory" not in plain[1]
    assert advised[1]["attributes_advisory"] == ["a"]
    getattr(meter, create)("late", attributes_advisory=["b"], **callbacks)
    assert getattr(real.get_meter.return_value, create).call_args[1]["attributes_advisory"] == ["b"]
    getattr(metrics.NoOpMeter("m"), create)("advised", attributes_advisory=["a"], **callbacks)


@pytest.mark.parametrize("create", SYNCHRONOUS)
def test_bound_instruments_forward_until_there_is_a_real_one(create: str) -> None:
    method, _ = SYNCHRONOUS[create]
    provider = internal._ProxyMeterProvider()
    instrument = getattr(provider.get_meter("m"), create)("name")
    attributes = {"a": 1}
    bound = instrument.bind(attributes)
    attributes["a"] = 2
    getattr(bound, method)(1)
    assert not instrument.enabled()
    real = Mock()
    provider.on_set_meter_provider(real)
    made = getattr(real.get_meter.return_value, create).return_value
    getattr(bound, method)(2, context=None)
    getattr(made, method).assert_called_once_with(2, {"a": 1}, None)
    made.enabled.return_value = True
    assert instrument.enabled()
    no_op = getattr(metrics.NoOpMeter("m"), create)("name")
    assert not no_op.enabled()
    getattr(no_op.bind({}), method)(3)


def test_an_implementation_that_does_not_say_is_enabled() -> None:
    class Own(metrics.Counter):
        added: Any = None

        def __init__(self) -> None:
            pass

        def add(self, amount: Any, attributes: Any = None, context: Any = None) -> None:
            self.added = (amount, attributes)

    counter = Own()
    assert counter.enabled()
    counter.bind({"a": 1}).add(2)
    assert counter.added == (2, {"a": 1})
