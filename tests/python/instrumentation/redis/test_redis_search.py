"""Commands of search, which Debian's Redis does not know: a server of our own answers them."""

from __future__ import annotations

import asyncio
import socketserver
import threading
from typing import Any, Iterator

import pytest
import redis
import redis.asyncio

RESP2 = (
    b"*5\r\n:7\r\n$5\r\ndoc:1\r\n*4\r\n$5\r\ntitle\r\n$3\r\nOne\r\n$4\r\nblob\r\n$2\r\n\xff\xfe\r\n"
    b"$5\r\ndoc:2\r\n*2\r\n$5\r\ntitle\r\n$3\r\nTwo\r\n"
)
RESP3 = (
    b"%2\r\n$13\r\ntotal_results\r\n:7\r\n$7\r\nresults\r\n*2\r\n"
    b"%2\r\n$2\r\nid\r\n$5\r\ndoc:1\r\n$16\r\nextra_attributes\r\n%2\r\n$5\r\ntitle\r\n$3\r\nOne\r\n"
    b"$4\r\nblob\r\n$2\r\n\xff\xfe\r\n"
    b"%2\r\n$2\r\nid\r\n$5\r\ndoc:2\r\n$16\r\nextra_attributes\r\n%1\r\n$5\r\ntitle\r\n$3\r\nTwo\r\n"
)
FOUND = {
    "redis.search.index": "books",
    "redis.search.query": "@title:(One|Two)",
    "redis.search.total": 7,
    "redis.search.xdoc_doc:1.title": "One",
    "redis.search.xdoc_doc:1.blob": b"\xff\xfe",
    "redis.search.xdoc_doc:2.title": "Two",
}
WITH_SCORES = b"*4\r\n:1\r\n$5\r\ndoc:1\r\n$3\r\n0.5\r\n*2\r\n$5\r\ntitle\r\n$3\r\nOne\r\n"


class Answers(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while header := self.rfile.readline():
            words = []
            for _ in range(int(header[1:])):
                words.append(self.rfile.read(int(self.rfile.readline()[1:])))
                self.rfile.readline()
            if words[0] == b"HELLO":
                answer = b"%1\r\n$5\r\nproto\r\n:3\r\n"
            elif words[0] == b"FT.SEARCH":
                protocol: Any = self.server
                answer = WITH_SCORES if b"WITHSCORES" in words else protocol.answer
            elif words[0] == b"ODD":
                answer = b"+odd\r\n"
            else:
                answer = b"+OK\r\n"
            self.wfile.write(answer)


@pytest.fixture(params=[2, 3])
def search(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """How to connect with either protocol."""
    socketserver.ThreadingTCPServer.daemon_threads = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        server.answer = {2: RESP2, 3: RESP3}[request.param]  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield {"port": server.server_address[1], "protocol": request.param}
        server.shutdown()
        thread.join()


def of_search(span: Any) -> dict[str, Any]:
    return {name: value for name, value in span.attributes.items() if name.startswith("redis.")}


CREATE = ("FT.CREATE", "books", "ON", "HASH", "SCHEMA", "title", "TEXT", "WEIGHT", 5.0, "year", "NUMERIC")


def test_create_and_search(telemetry: Any, search: dict[str, Any]) -> None:
    telemetry.instrument()
    with redis.Redis(**search) as client:
        client.execute_command(*CREATE)
        client.execute_command("FT.CREATE", "odd")
        client.execute_command("FT.SEARCH", "books", "@title:(One|Two)")
        client.execute_command("FT.SEARCH", "books", "@title:(One|Two)", "NOCONTENT")
    create, odd, found, without = telemetry.spans()
    assert (create.name, create.attributes["db.statement"]) == ("redis.create_index", "FT.CREATE" + " ?" * 10)
    assert of_search(create) == {
        "redis.create_index.index": "books",
        "redis.create_index.fields": "Field(name: title, type: TEXT);Field(name: year, type: NUMERIC);",
    }
    assert of_search(odd) == {"redis.create_index.index": "odd"}
    assert (found.name, found.attributes["db.statement"]) == ("redis.search", "FT.SEARCH ? ?")
    assert of_search(found) == FOUND
    assert of_search(without) == {name: FOUND[name] for name in list(FOUND)[:3]}


def test_an_answer_that_holds_something_else(telemetry: Any, search: dict[str, Any]) -> None:
    telemetry.instrument()
    with redis.Redis(**search) as client:
        assert client.execute_command("FT.SEARCH", "books", "x", "WITHSCORES")
        with client.pipeline(transaction=False) as pipe:
            pipe.execute_command("FT.SEARCH", "books", "x")
            assert len(pipe.execute()) == 1
    scores, pipeline = telemetry.spans()
    assert of_search(scores)["redis.search.total"] == 1
    assert not any("xdoc" in name for name in of_search(scores))
    assert pipeline.name == "FT.SEARCH"


def test_asyncio(telemetry: Any, search: dict[str, Any]) -> None:
    async def main() -> None:
        async with redis.asyncio.Redis(**search) as client:
            await client.execute_command(*CREATE)
            await client.execute_command("FT.SEARCH", "books", "@title:(One|Two)")

    telemetry.instrument()
    asyncio.run(main())
    create, found = telemetry.spans()
    assert create.attributes["redis.create_index.index"] == "books"
    assert of_search(found) == FOUND
