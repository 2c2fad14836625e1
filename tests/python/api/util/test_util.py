"""Once, the context manager decorator, entry points and headers in variables."""

from __future__ import annotations

import asyncio
import inspect
import threading
from importlib import metadata
from typing import Any, Iterator

import pytest

from ferrotel._entry_points import EntryPoints as OwnEntryPoints
from opentelemetry.util import _importlib_metadata, _providers
from opentelemetry.util._decorator import _AgnosticContextManager, _agnosticcontextmanager
from opentelemetry.util._once import Once
from opentelemetry.util.re import parse_env_headers, parse_headers


def test_once_lets_one_call_through() -> None:
    once = Once()
    calls: list[int] = []
    barrier = threading.Barrier(20)
    results: list[bool] = []

    def work() -> None:
        barrier.wait()
        results.append(once.do_once(lambda: calls.append(1)))

    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert results.count(True) == 1
    once._done = False
    assert once.do_once(lambda: calls.append(2))
    assert calls == [1, 2]


def test_once_may_be_retried_after_a_failure() -> None:
    once = Once()
    with pytest.raises(ZeroDivisionError):
        once.do_once(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    assert once.do_once(lambda: None)
    assert not once.do_once(lambda: None)


def test_the_context_manager_works_as_block_and_as_decorator() -> None:
    events: list[str] = []

    @_agnosticcontextmanager
    def around(name: str) -> Iterator[str]:
        events.append(f"enter {name}")
        try:
            yield name
        finally:
            events.append(f"leave {name}")

    with around("block") as value:
        assert value == "block"

    @around("sync")
    def sync(number: int) -> int:
        events.append("sync")
        return number

    @around("async")
    async def coroutine(number: int) -> int:
        events.append("async starts")
        await asyncio.sleep(0)
        events.append("async ends")
        return number

    assert sync(1) + sync(2) == 3
    assert asyncio.run(coroutine(3)) == 3
    assert asyncio.run(coroutine(4)) == 4
    coroutine_events = ["enter async", "async starts", "async ends", "leave async"]
    assert events == (["enter block", "leave block"] + ["enter sync", "sync", "leave sync"] * 2 + coroutine_events * 2)
    assert isinstance(around("x"), _AgnosticContextManager)
    assert list(inspect.signature(around).parameters) == ["name"]


def test_the_entry_points_are_read_once_and_can_be_narrowed() -> None:
    everything = _importlib_metadata.entry_points()
    assert isinstance(everything, _importlib_metadata.EntryPoints)
    scripts = _importlib_metadata.entry_points(group="console_scripts")
    assert {point.group for point in scripts} == {"console_scripts"}
    assert _importlib_metadata.entry_points(group="console_scripts", name="nobody has this") == ()
    assert _importlib_metadata._original_entry_points_cached() is _importlib_metadata._original_entry_points_cached()


def test_groups_of_entry_points_from_older_pythons_are_flattened() -> None:
    first = metadata.EntryPoint(name="a", value="b:c", group="g")
    second = metadata.EntryPoint(name="d", value="e:f", group="h")
    assert list(_importlib_metadata._as_entry_points({"g": [first], "h": [second]})) == [first, second]


def test_the_entry_points_for_older_pythons() -> None:
    points = OwnEntryPoints(
        [
            metadata.EntryPoint(name="a", value="b:c", group="g"),
            metadata.EntryPoint(name="a", value="d:e", group="h"),
            metadata.EntryPoint(name="f", value="h:i", group="h"),
        ]
    )
    assert [point.value for point in points.select(name="a")] == ["b:c", "d:e"]
    assert [point.value for point in points.select(group="h", name="f")] == ["h:i"]
    assert isinstance(points.select(group="none"), OwnEntryPoints) and len(points.select(group="none")) == 0
    assert points["f"].value == "h:i" and points[0].value == "b:c"
    assert points.names == {"a", "f"} and points.groups == {"g", "h"}
    with pytest.raises(KeyError):
        points["x"]


def test_versions_of_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _importlib_metadata.version("pytest") == pytest.__version__

    def nothing_installed(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(_importlib_metadata, "_installed_version", nothing_installed)
    assert _importlib_metadata.version("opentelemetry-api") == "1.45.1"
    assert _importlib_metadata.version("opentelemetry_sdk") == "1.45.1"
    assert _importlib_metadata.version("opentelemetry-distro") == "0.66b1"
    assert _importlib_metadata.version("opentelemetry-instrumentation") == "0.66b1"
    assert _importlib_metadata.version("opentelemetry-util-http") == "0.66b1"
    with pytest.raises(metadata.PackageNotFoundError):
        _importlib_metadata.version("opentelemetry-something")


def test_a_provider_is_loaded_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        def load(self) -> Any:
            return lambda: "a provider"

    asked: list[Any] = []

    def entry_points(**params: Any) -> list[Any]:
        asked.append(params)
        return [Point()]

    monkeypatch.setattr(_importlib_metadata, "entry_points", entry_points)
    monkeypatch.setenv("MY_PROVIDER", "mine")
    assert _providers._load_provider("MY_PROVIDER", "tracer_provider") == "a provider"
    monkeypatch.delenv("MY_PROVIDER")
    assert _providers._load_provider("MY_PROVIDER", "tracer_provider") == "a provider"
    assert asked == [
        {"group": "opentelemetry_tracer_provider", "name": "mine"},
        {"group": "opentelemetry_tracer_provider", "name": "default_tracer_provider"},
    ]


@pytest.mark.parametrize(
    ("text", "headers"),
    [
        ("", {}),
        ("a=b", {"a": "b"}),
        ("A-Key=Value", {"a-key": "Value"}),
        ("a=b,c=d", {"a": "b", "c": "d"}),
        (" a = b ,\t c = d , ", {"a": "b", "c": "d"}),
        ("a=", {"a": ""}),
        ("a===b=", {"a": "==b="}),
        ("a=x%20y%2Cz", {"a": "x y,z"}),
        ("k%21=v", {"k!": "v"}),
        ("%20k%20=%20v%20", {"k": "v"}),
        ("a=b,a=c", {"a": "c"}),
        ("a=%E2%82%AC", {"a": "€"}),
    ],
)
@pytest.mark.parametrize("liberal", [False, True])
def test_headers_in_variables(
    text: str, headers: dict[str, str], liberal: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse_env_headers(text, liberal=liberal) == headers
    assert caplog.records == []


@pytest.mark.parametrize("text", ["=b", "}k=v", "@k()=v", "/k=v", "a=\\", 'a=b"', "a=;b", "nothing", "a=ü"])
@pytest.mark.parametrize("liberal", [False, True])
def test_malformed_headers_are_left_out_with_a_warning(
    text: str, liberal: bool, caplog: pytest.LogCaptureFixture
) -> None:
    assert parse_env_headers(f"good=1,{text},fine=2", liberal=liberal) == {"good": "1", "fine": "2"}
    (record,) = caplog.records
    assert record.name == "opentelemetry.util.re"
    assert record.getMessage().startswith(
        "Header format invalid! Header values in environment variables must be "
        "URL encoded per the OpenTelemetry Protocol Exporter specification"
    )
    assert ("a comma separated list of name=value occurrences:" in record.getMessage()) is liberal


def test_values_that_nobody_encoded_are_taken_liberally(caplog: pytest.LogCaptureFixture) -> None:
    text = "authorization=Basic abc=="
    assert parse_env_headers(text) == {}
    assert parse_env_headers(text, liberal=True) == {"authorization": "Basic abc=="}


def test_no_secret_gets_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    parse_env_headers('api-key=s3cret"')
    parse_env_headers("api-key: s3cret", liberal=True)
    assert len(caplog.records) == 2
    assert "s3cret" not in caplog.text
    assert "api-key=<7 characters>" in caplog.text


def test_the_old_name_of_parse_env_headers_warns() -> None:
    with pytest.warns(DeprecationWarning, match="parse_env_headers"):
        assert parse_headers("a=b") == {"a": "b"}
