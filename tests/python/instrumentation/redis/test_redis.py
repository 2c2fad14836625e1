"""`RedisInstrumentor` and a real Redis: commands, errors, pipelines, hooks."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Callable, Iterator

import pytest
import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster

from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.redis.util import _build_span_meta_data_for_pipeline, _format_command_args
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

METHODS = [
    (redis.Redis, "execute_command"),
    (redis.client.Pipeline, "execute"),
    (redis.client.Pipeline, "immediate_execute_command"),
    (redis.cluster.RedisCluster, "execute_command"),
    (redis.cluster.ClusterPipeline, "execute"),
    (redis.asyncio.Redis, "execute_command"),
    (redis.asyncio.client.Pipeline, "execute"),
    (redis.asyncio.client.Pipeline, "immediate_execute_command"),
    (redis.asyncio.cluster.RedisCluster, "execute_command"),
    (redis.asyncio.cluster.ClusterPipeline, "execute"),
]


@pytest.fixture
def client(redis_server: Any) -> Iterator[Any]:
    with redis.Redis.from_url(f"{redis_server.url}/2") as made:
        made.flushdb()
        yield made


def test_a_command(telemetry: Any, client: Any, redis_server: Any) -> None:
    telemetry.instrument()
    with telemetry.tracers.get_tracer("app").start_as_current_span("work") as work:
        assert client.set("secret", "value", ex=5) is True
    assert client.get("secret") == b"value"
    span, _, get = telemetry.spans()
    assert (span.name, span.kind, span.status.status_code) == ("SET", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes) == {
        "db.system": "redis",
        "db.statement": "SET ? ? ? ?",
        "db.redis.args_length": 5,
        "db.redis.database_index": 2,
        "net.peer.name": "127.0.0.1",
        "net.peer.port": redis_server.port,
        "net.transport": "ip_tcp",
    }
    assert span.parent.span_id == work.get_span_context().span_id
    assert (get.name, get.parent) == ("GET", None)
    scope = span.instrumentation_scope
    assert (scope.name, scope.version) == ("opentelemetry.instrumentation.redis", "0.66b1")
    assert scope.schema_url == "https://opentelemetry.io/schemas/1.11.0"


OLD_DATABASE = {"db.system", "db.statement", "db.redis.database_index"}
NEW_DATABASE = {"db.system.name", "db.query.text"}
OLD_PEER = {"net.peer.name", "net.peer.port", "net.transport"}
NEW_PEER = {"server.address", "server.port", "network.transport"}


@pytest.mark.parametrize(
    ("opt_in", "names", "schema"),
    [
        ("database", NEW_DATABASE | OLD_PEER, "1.25.0"),
        ("database/dup", OLD_DATABASE | NEW_DATABASE | OLD_PEER, "1.25.0"),
        ("http", OLD_DATABASE | NEW_PEER, "1.21.0"),
        ("http/dup,database/dup", OLD_DATABASE | NEW_DATABASE | OLD_PEER | NEW_PEER, "1.25.0"),
        ("http,database", NEW_DATABASE | NEW_PEER, "1.25.0"),
    ],
)
def test_both_generations(
    telemetry: Any,
    client: Any,
    redis_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    opt_in: str,
    names: set[str],
    schema: str,
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    telemetry.instrument()
    client.get("key")
    client.pipeline().get("key").execute()
    command, pipeline = telemetry.spans()
    assert set(command.attributes) == names | {"db.redis.args_length"}
    assert set(pipeline.attributes) == names | {"db.redis.pipeline_length"}
    values = {
        "db.system": "redis",
        "db.system.name": "redis",
        "db.statement": "GET ?",
        "db.query.text": "GET ?",
        "db.redis.database_index": 2,
        "net.peer.name": "127.0.0.1",
        "server.address": "127.0.0.1",
        "net.peer.port": redis_server.port,
        "server.port": redis_server.port,
        "net.transport": "ip_tcp",
        "network.transport": "tcp",
    }
    for span in (command, pipeline):
        assert {name: span.attributes[name] for name in names} == {name: values[name] for name in names}
        assert span.instrumentation_scope.schema_url == f"https://opentelemetry.io/schemas/{schema}"


def test_a_unix_socket(telemetry: Any, redis_server: Any) -> None:
    telemetry.instrument()
    with redis.Redis(unix_socket_path=redis_server.unix_socket) as client:
        assert client.ping()
    (span,) = telemetry.spans()
    assert span.attributes["net.peer.name"] == redis_server.unix_socket
    assert span.attributes["net.transport"] == "other"
    assert "net.peer.port" not in span.attributes


def test_an_error_of_the_server(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    client.set("text", "no list")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.lpush("text", "value")
    _, span = telemetry.spans()
    assert (span.name, span.status.status_code) == ("LPUSH", StatusCode.ERROR)
    assert span.status.description.startswith("ResponseError: WRONGTYPE")
    assert [event.attributes["exception.type"] for event in span.events] == ["redis.exceptions.ResponseError"]


def test_no_server(telemetry: Any) -> None:
    telemetry.instrument()
    with redis.Redis(port=1, retry=None) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    (span,) = telemetry.spans()
    assert (span.name, span.status.status_code) == ("PING", StatusCode.ERROR)


def test_commands_of_several_words_and_of_none(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    client.config_get("maxmemory")
    with pytest.raises(redis.ResponseError):
        client.execute_command("NOSUCH", *["a"] * 2000)
    for args in ((), ("",), (["unhashable"],)):
        with pytest.raises(Exception):  # noqa: B017  whatever redis-py says to that
            client.execute_command(*args)
    spans = telemetry.spans()
    assert [span.name for span in spans] == ["CONFIG GET", "NOSUCH", "2", "2", "redis"]
    statement = spans[1].attributes["db.statement"]
    assert (len(statement), statement[:10], statement[-5:]) == (1000, "NOSUCH ? ?", "? ...")
    assert spans[1].attributes["db.redis.args_length"] == 2001


def test_statements_are_as_long_as_the_reference_s() -> None:
    for count in (0, 1, 2, 400, 498, 499, 500, 5000):
        args = ["GET", *range(count)]
        whole = "GET" + " ?" * count
        assert _format_command_args(args) == (whole if len(whole) <= 1000 else whole[:997] + "...")
    assert _format_command_args([]) == ""


def test_what_a_client_does_on_its_own_has_a_span_too(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    assert list(client.scan_iter("nothing")) == []
    with client.lock("a-lock", timeout=5):
        pass
    names = telemetry.names()
    assert (names[0], names[1]) == ("SCAN", "SET")


def test_a_blocking_command(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    timer = threading.Timer(0.2, client.rpush, ["queue", "item"])
    timer.start()
    assert client.blpop("queue", timeout=10) == (b"queue", b"item")
    timer.join()
    span = next(span for span in telemetry.spans() if span.name == "BLPOP")
    assert span.end_time - span.start_time >= 150_000_000


def test_publishing_has_spans_and_listening_has_none(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    with client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("news")
        deadline = time.monotonic() + 10
        while client.publish("news", "hello") == 0:
            assert time.monotonic() < deadline
        while (message := channel.get_message(timeout=1)) is None:
            assert time.monotonic() < deadline
    assert message["data"] == b"hello"
    assert set(telemetry.names()) == {"PUBLISH"}


def test_pipelines(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    with client.pipeline() as pipe:
        assert pipe.set("a", 1).get("a").execute() == [True, b"1"]
        assert pipe.execute() == []
    with client.pipeline(transaction=False) as pipe, pytest.raises(redis.ResponseError):
        pipe.set("text", "x").lpush("text", "value").execute()
    pair, empty, failed = telemetry.spans()
    assert (pair.name, pair.kind) == ("SET GET", SpanKind.CLIENT)
    assert pair.attributes["db.statement"] == "SET ? ?\nGET ?"
    assert pair.attributes["db.redis.pipeline_length"] == 2
    assert pair.attributes["db.redis.database_index"] == 2
    assert "db.redis.args_length" not in pair.attributes
    assert (empty.name, empty.attributes["db.redis.pipeline_length"]) == ("redis", 0)
    assert (failed.name, failed.status.status_code) == ("SET LPUSH", StatusCode.ERROR)
    assert [event.name for event in failed.events] == ["exception"]


def test_a_watched_key_that_changes_is_no_error(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    with client.pipeline() as pipe:
        pipe.watch("key")
        assert pipe.get("key") is None
        client.set("key", "other")
        pipe.multi()
        with pytest.raises(redis.WatchError) as raised:
            pipe.set("key", "mine").execute()
    spans = telemetry.spans()
    assert [span.name for span in spans] == ["WATCH", "GET", "SET", "SET"]
    assert all(span.status.status_code is StatusCode.UNSET and not span.events for span in spans)
    assert spans[3].attributes["db.redis.pipeline_length"] == 1
    assert raised.value.__context__ is None


def test_a_long_pipeline_has_a_name_of_bounded_length(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    with client.pipeline(transaction=False) as pipe:
        for number in range(1000):
            pipe.set("key", number)
        pipe.execute()
    (span,) = telemetry.spans()
    assert (len(span.name), span.name[:8], span.name[-3:]) == (1000, "SET SET ", "...")
    assert span.attributes["db.statement"].count("\n") == 999
    assert span.attributes["db.redis.pipeline_length"] == 1000


def test_what_is_no_pipeline_is_survived() -> None:
    for odd in (object(), type("Odd", (), {"command_stack": [()]}), type("Odd", (), {"command_stack": [None]})):
        commands, statement, name = _build_span_meta_data_for_pipeline(odd)
        assert (list(commands), statement, name) == ([], "", "redis")


def test_hooks(telemetry: Any, client: Any) -> None:
    requests: list[Any] = []
    responses: list[Any] = []

    def request_hook(span: Any, instance: Any, args: Any, kwargs: Any) -> None:
        requests.append((instance, args, kwargs))
        span.set_attribute("hook", args[0])

    def response_hook(span: Any, instance: Any, response: Any) -> None:
        responses.append(response)
        span.set_attribute("response", str(response))

    telemetry.instrument(request_hook=request_hook, response_hook=response_hook)
    client.set("key", "new", get=True)
    client.pipeline().get("key").execute()
    command, pipeline = telemetry.spans()
    ((instance, args, kwargs),) = requests
    assert (instance, args, kwargs) == (client, ("SET", "key", "new", "GET"), {"get": True})
    assert (command.attributes["hook"], command.attributes["response"]) == ("SET", "None")
    assert "hook" not in pipeline.attributes
    assert responses == [None, [b"new"]]


def test_hooks_that_raise_are_logged(telemetry: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    def hook(*args: Any) -> None:
        raise ValueError("broken hook")

    telemetry.instrument(request_hook=hook, response_hook=hook)
    client.set("key", "value")
    assert client.pipeline().get("key").execute() == [b"value"]
    spans = telemetry.spans()
    assert [span.status.status_code for span in spans] == [StatusCode.UNSET] * 2
    logged = [record for record in caplog.records if record.name == "opentelemetry.instrumentation.redis"]
    assert [record.levelno for record in logged] == [logging.WARNING] * 3
    assert all(record.exc_info and "broken hook" in str(record.exc_info[1]) for record in logged)


def test_suppressed(telemetry: Any, client: Any) -> None:
    telemetry.instrument()
    with suppress_instrumentation():
        client.set("key", "value")
        client.pipeline().get("key").execute()
    assert telemetry.spans() == []


def test_an_unsampled_command(client: Any) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    recording: list[bool] = []
    RedisInstrumentor().instrument(
        tracer_provider=provider, request_hook=lambda span, *_: recording.append(span.is_recording())
    )
    assert client.set("key", "value") and client.pipeline().get("key").execute() == [b"value"]
    assert recording == [False]
    provider.shutdown()


def test_a_sampler_sees_the_attributes_and_cannot_change_another_span_s(client: Any) -> None:
    class Spoiling(Sampler):
        seen: list[Any] = []

        def should_sample(self, parent_context: Any, trace_id: int, name: str, *args: Any, **kwargs: Any) -> Any:
            attributes: Any = kwargs.get("attributes", args[1] if len(args) > 1 else None)
            self.seen.append(dict(attributes))
            try:
                attributes.clear()
            except (AttributeError, TypeError):
                pass
            return ALWAYS_ON.should_sample(parent_context, trace_id, name, attributes=attributes)

        def get_description(self) -> str:
            return "spoiling"

    provider = TracerProvider(sampler=Spoiling(), shutdown_on_exit=False)
    RedisInstrumentor().instrument(tracer_provider=provider)
    client.get("a")
    client.get("b")
    assert [seen["db.statement"] for seen in Spoiling.seen] == ["GET ?", "GET ?"]
    provider.shutdown()


def test_uninstrument_restores(telemetry: Any, client: Any) -> None:
    before = [vars(owner)[name] for owner, name in METHODS]
    own = [dict(vars(owner)) for owner, _ in METHODS]
    instrumentor = telemetry.instrument()
    assert not any(vars(owner)[name] is original for (owner, name), original in zip(METHODS, before))
    instrumentor.uninstrument()
    assert all(vars(owner)[name] is original for (owner, name), original in zip(METHODS, before))
    assert [dict(vars(owner)) for owner, _ in METHODS] == own
    client.ping()
    assert telemetry.spans() == []


# One client


def test_one_client(telemetry: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    with redis.Redis.from_url(client_url(client)) as other:
        before = dict(vars(client))
        RedisInstrumentor.instrument_client(client, tracer_provider=telemetry.tracers)
        RedisInstrumentor.instrument_client(client, tracer_provider=telemetry.tracers)
        assert "already instrumented" in caplog.text
        other.ping()
        other.pipeline().ping().execute()
        client.ping()
        with client.pipeline() as pipe:
            pipe.watch("key")
            pipe.multi()
            pipe.get("key").execute()
        assert telemetry.names() == ["PING", "WATCH", "GET"]
        RedisInstrumentor.uninstrument_client(client)
        assert vars(client) == before
        client.ping()
        client.pipeline().ping().execute()
        assert telemetry.spans() == []
        RedisInstrumentor.uninstrument_client(client)
        assert "wasn't instrumented" in caplog.text
        RedisInstrumentor.instrument_client(client, tracer_provider=telemetry.tracers)
        client.ping()
        assert telemetry.names() == ["PING"]


@pytest.mark.parametrize("all_first", [True, False])
def test_one_client_of_all_makes_one_span(telemetry: Any, client: Any, all_first: bool) -> None:
    hooks: dict[str, list[Any]] = {"all": [], "one": []}
    steps: list[Callable[[], Any]] = [
        lambda: telemetry.instrument(response_hook=lambda *args: hooks["all"].append(args)),
        lambda: RedisInstrumentor.instrument_client(
            client, telemetry.tracers, response_hook=lambda *args: hooks["one"].append(args)
        ),
    ]
    for step in steps if all_first else reversed(steps):
        step()
    client.ping()
    client.pipeline().get("key").execute()
    assert telemetry.names() == ["PING", "GET"]
    assert (len(hooks["all"]), len(hooks["one"])) == (0, 2)
    RedisInstrumentor.uninstrument_client(client)
    client.ping()
    assert (len(hooks["all"]), telemetry.names()) == (1, ["PING"])


def test_a_client_s_own_method_is_kept(telemetry: Any, client: Any) -> None:
    sent: list[Any] = []
    execute = client.execute_command

    def logging_execute(*args: Any, **kwargs: Any) -> Any:
        sent.append(args)
        return execute(*args, **kwargs)

    client.execute_command = logging_execute
    RedisInstrumentor.instrument_client(client, telemetry.tracers)
    client.ping()
    assert (sent, telemetry.names()) == ([("PING",)], ["PING"])
    RedisInstrumentor.uninstrument_client(client)
    assert client.execute_command is logging_execute


def client_url(client: Any) -> str:
    kwargs = client.connection_pool.connection_kwargs
    return f"redis://{kwargs['host']}:{kwargs['port']}/{kwargs['db']}"
