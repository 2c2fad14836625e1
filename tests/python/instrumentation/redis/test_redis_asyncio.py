"""`RedisInstrumentor` and the clients of `asyncio`, and of a cluster, at real servers."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.asyncio.cluster
import redis.cluster

from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.trace import SpanKind, StatusCode


def test_commands_and_pipelines(telemetry: Any, redis_server: Any) -> None:
    responses: list[Any] = []

    async def main() -> None:
        async with redis.asyncio.Redis.from_url(f"{redis_server.url}/3") as client:
            await client.flushdb()
            telemetry.instrument(response_hook=lambda span, client, response: responses.append(response))
            assert await client.set("key", "value") is True
            assert await client.get("key") == b"value"
            with pytest.raises(redis.ResponseError):
                await client.lpush("key", "value")
            async with client.pipeline() as pipe:
                assert await pipe.set("a", 1).get("a").execute() == [True, b"1"]
            async with client.pipeline() as pipe:
                await pipe.watch("key")
                await client.set("key", "other")
                pipe.multi()
                with pytest.raises(redis.WatchError):
                    await pipe.set("key", "mine").execute()

    asyncio.run(main())
    spans = telemetry.spans()
    assert [span.name for span in spans] == ["SET", "GET", "LPUSH", "SET GET", "WATCH", "SET", "SET"]
    assert all(span.kind is SpanKind.CLIENT and span.parent is None for span in spans)
    assert dict(spans[0].attributes) == {
        "db.system": "redis",
        "db.statement": "SET ? ?",
        "db.redis.args_length": 3,
        "db.redis.database_index": 3,
        "net.peer.name": "127.0.0.1",
        "net.peer.port": redis_server.port,
        "net.transport": "ip_tcp",
    }
    assert spans[3].attributes["db.redis.pipeline_length"] == 2
    assert [span.status.status_code for span in spans].count(StatusCode.ERROR) == 1
    assert spans[2].status.status_code is StatusCode.ERROR
    assert responses == [True, b"value", [True, b"1"], True, True, None]


def test_commands_at_the_same_time_do_not_mix(telemetry: Any, redis_server: Any) -> None:
    tracer = telemetry.tracers.get_tracer("app")

    async def work(client: Any, number: int) -> None:
        with tracer.start_as_current_span(f"work {number}"):
            await client.set(f"key {number}", number)
            await client.get(f"key {number}")

    async def main() -> None:
        async with redis.asyncio.Redis.from_url(redis_server.url) as client:
            await asyncio.gather(*(work(client, number) for number in range(20)))

    telemetry.instrument()
    asyncio.run(main())
    spans = telemetry.spans()
    works = {span.context.span_id: span for span in spans if span.name.startswith("work")}
    commands = [span for span in spans if span.context.span_id not in works]
    assert (len(works), len(commands)) == (20, 40)
    children = [span.parent.span_id for span in commands]
    assert all(children.count(work) == 2 for work in works)


def test_a_command_that_is_cancelled_has_its_span(telemetry: Any, redis_server: Any) -> None:
    async def main() -> None:
        async with redis.asyncio.Redis.from_url(redis_server.url) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.blpop("nothing ever", timeout=5), 0.1)
            assert await client.ping()

    telemetry.instrument()
    begun = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begun < 4
    assert telemetry.names() == ["BLPOP", "PING"]


def test_one_client(telemetry: Any, redis_server: Any) -> None:
    async def main() -> None:
        async with redis.asyncio.Redis.from_url(redis_server.url) as client:
            before = dict(vars(client))
            RedisInstrumentor.instrument_client(client, telemetry.tracers)
            await client.ping()
            async with client.pipeline() as pipe:
                await pipe.watch("key")
                pipe.multi()
                await pipe.get("key").execute()
            assert telemetry.names() == ["PING", "WATCH", "GET"]
            RedisInstrumentor.uninstrument_client(client)
            assert vars(client) == before
            await client.ping()
            assert telemetry.spans() == []

    asyncio.run(main())


@pytest.fixture
def cluster(redis_cluster: Any) -> Any:
    """The cluster, with all slots at its one node."""
    with redis.Redis(port=redis_cluster.port) as node:
        if node.cluster("INFO")["cluster_slots_assigned"] == "0":
            node.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        deadline = time.monotonic() + 20
        while node.cluster("INFO")["cluster_state"] != "ok":
            assert time.monotonic() < deadline
            time.sleep(0.02)
    return redis_cluster


def check_cluster(spans: list[Any]) -> None:
    command, pipeline = spans
    assert (command.name, command.kind, pipeline.name) == ("SET", SpanKind.CLIENT, "GET GET")
    assert command.attributes["db.statement"] == "SET ? ?"
    assert command.attributes["db.redis.args_length"] == 3
    assert pipeline.attributes["db.statement"] == "GET ?\nGET ?"
    assert pipeline.attributes["db.redis.pipeline_length"] == 2
    # A cluster has no one server.
    assert not {"net.peer.name", "net.peer.port"} & set(command.attributes)


@pytest.mark.parametrize("one", [True, False])
def test_a_cluster(telemetry: Any, cluster: Any, one: bool) -> None:
    with redis.cluster.RedisCluster(host="127.0.0.1", port=cluster.port) as client:
        if one:
            RedisInstrumentor.instrument_client(client, telemetry.tracers)
        else:
            telemetry.instrument()
        client.set("key", "value")
        with client.pipeline() as pipe:
            assert pipe.get("key").get("key").execute() == [b"value"] * 2
        check_cluster(telemetry.spans())


@pytest.mark.parametrize("one", [True, False])
def test_a_cluster_of_asyncio(telemetry: Any, cluster: Any, one: bool) -> None:
    async def main() -> None:
        async with redis.asyncio.cluster.RedisCluster(host="127.0.0.1", port=cluster.port) as client:
            await client.ping()
            if one:
                RedisInstrumentor.instrument_client(client, telemetry.tracers)
            else:
                telemetry.instrument()
            await client.set("key", "value")
            async with client.pipeline() as pipe:
                assert await pipe.get("key").get("key").execute() == [b"value"] * 2

    asyncio.run(main())
    check_cluster(telemetry.spans())
