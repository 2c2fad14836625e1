"""The instrumentation of DB-API drivers, with Python's own: `sqlite3`."""

from __future__ import annotations

import copy
import sqlite3
import threading
from typing import Any, Iterator

import pytest

from opentelemetry import trace
from opentelemetry.instrumentation import dbapi
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

CONNECT = sqlite3.connect


class Connection(sqlite3.Connection):
    """One that says where it is connected to, as those of servers do."""

    database, host, port, user = b"shop", "db.example", 5432, b"ann"


@pytest.fixture
def connect(recorded: Any) -> Iterator[Any]:
    """Instruments `sqlite3` and connects to a database with a table `things`."""
    opened: list[Any] = []

    def connect(**options: Any) -> Any:
        dbapi.wrap_connect("shop", sqlite3, "connect", "sqlite", version="1.2", **recorded.providers, **options)
        connection = sqlite3.connect(":memory:", factory=Connection, check_same_thread=False)
        opened.append(connection)
        with suppress_instrumentation():
            connection.cursor().execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")
        return connection

    yield connect
    for connection in opened:
        connection.close()
        dbapi.unwrap_connect(sqlite3, "connect")
    assert sqlite3.connect is CONNECT


OLD = {"db.system": "sqlite", "db.name": "shop", "db.statement": "SELECT 1", "db.user": "ann"}
NEW = {"db.system.name": "sqlite", "db.namespace": "shop", "db.query.text": "SELECT 1"}
OLD_PEER = {"net.peer.name": "db.example", "net.peer.port": 5432}
NEW_PEER = {"server.address": "db.example", "server.port": 5432}


@pytest.mark.parametrize(
    ("opt_in", "attributes", "schema"),
    [
        ("", {**OLD, **OLD_PEER}, "1.11.0"),
        ("database", {**NEW, **OLD_PEER}, "1.25.0"),
        ("http", {**OLD, **NEW_PEER}, "1.21.0"),
        ("database/dup,http/dup", {**OLD, **OLD_PEER, **NEW, **NEW_PEER}, "1.25.0"),
    ],
)
def test_span(
    connect: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch, opt_in: str, attributes: dict[str, Any], schema: str
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    assert connect().cursor().execute("SELECT 1").fetchall() == [(1,)]
    (span,) = recorded.spans()
    assert (span.name, span.kind, span.status.status_code) == ("SELECT", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes) == attributes
    scope = span.instrumentation_scope
    assert (scope.name, scope.version, scope.schema_url) == (
        "shop",
        "1.2",
        f"https://opentelemetry.io/schemas/{schema}",
    )


@pytest.mark.parametrize(("method", "parameters"), [("execute", (1,)), ("executemany", [(1,), (2,)])])
def test_an_error_is_the_programs_and_the_spans(connect: Any, recorded: Any, method: str, parameters: Any) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
        getattr(connect().cursor(), method)("INSERT INTO nowhere VALUES (?)", parameters)
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "OperationalError: no such table: nowhere"
    assert [event.attributes["exception.type"] for event in span.events] == ["sqlite3.OperationalError"]


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("/* of the report */ SELECT 1", "SELECT"),
        ("\n select\t1", "select"),
        ("/* nothing */", "shop"),
        ("   ", "shop"),
        ("", "shop"),
    ],
)
def test_the_name_is_the_first_word(connect: Any, recorded: Any, statement: str, name: str) -> None:
    connect().cursor().execute(statement)
    (span,) = recorded.spans()
    assert (span.name, span.attributes["db.statement"]) == (name, statement)


def test_parameters_are_captured_when_asked_for(connect: Any, recorded: Any) -> None:
    cursor = connect(capture_parameters=True).cursor()
    cursor.executemany("INSERT INTO things (name) VALUES (?)", [("a",), ("b",)])
    cursor.execute("SELECT name FROM things WHERE id = ?", (2,))
    assert cursor.fetchone() == ("b",)
    captured = [span.attributes["db.statement.parameters"] for span in recorded.spans()]
    assert captured == ["[('a',), ('b',)]", "(2,)"]


def test_a_proxy_is_what_it_stands_for(connect: Any, recorded: Any) -> None:
    connection = connect()
    assert isinstance(connection, sqlite3.Connection)
    assert isinstance(connection, dbapi.TracedConnectionProxy)
    connection.row_factory = sqlite3.Row
    assert connection.__wrapped__.row_factory is sqlite3.Row
    assert connection == connection.__wrapped__
    assert hash(connection) == hash(connection.__wrapped__)
    assert "total_changes" in dir(connection)
    with pytest.raises(AttributeError, match="nonsense"):
        connection.nonsense  # noqa: B018
    connection.note = "mine"
    assert connection.__wrapped__.note == "mine"
    del connection.note
    assert not hasattr(connection.__wrapped__, "note")
    cursor = connection.cursor()
    assert isinstance(cursor, sqlite3.Cursor)
    cursor.arraysize = 3
    assert cursor.__wrapped__.arraysize == 3
    # A chain of calls stays with the proxy, and so do its statements.
    assert cursor.execute("INSERT INTO things (name) VALUES ('a'), ('b')") is cursor
    assert [row["name"] for row in cursor.execute("SELECT name FROM things")] == ["a", "b"]
    cursor.execute("SELECT name FROM things")
    assert iter(cursor) is cursor
    assert (next(cursor)["name"], cursor.fetchone()["name"]) == ("a", "b")
    assert len(recorded.spans()) == 3


def test_a_connections_block_commits_or_rolls_back(connect: Any, recorded: Any) -> None:
    connection = connect()
    with connection as entered:
        assert entered is connection
        entered.cursor().execute("INSERT INTO things (name) VALUES ('kept')")
    with pytest.raises(ZeroDivisionError), connection:
        connection.cursor().execute("INSERT INTO things (name) VALUES ('lost')")
        raise ZeroDivisionError
    assert connection.cursor().execute("SELECT name FROM things").fetchall() == [("kept",)]
    assert [span.name for span in recorded.spans()] == ["INSERT", "INSERT", "SELECT"]


def test_the_comment_reaches_the_server(connect: Any, recorded: Any) -> None:
    seen: list[str] = []
    options = {"dbapi_level": False, "dbapi_threadsafety": False}
    connection = connect(enable_commenter=True, commenter_options=options)
    connection.set_trace_callback(seen.append)
    connection.cursor().execute("SELECT 1;")
    (span,) = recorded.spans()
    context = span.get_span_context()
    traceparent = f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-03"
    comment = f"/*db_driver='sqlite3%%3Aunknown',driver_paramstyle='qmark',traceparent='{traceparent}'*/"
    assert seen == [f"SELECT 1 {comment};"]
    assert span.attributes["db.statement"] == "SELECT 1;"


def test_the_comment_is_recorded_when_asked_for(connect: Any, recorded: Any) -> None:
    connect(enable_commenter=True, enable_attribute_commenter=True).cursor().execute("SELECT 1")
    (span,) = recorded.spans()
    assert span.attributes["db.statement"].startswith("SELECT 1 /*db_driver='sqlite3%%3A")
    assert f"{span.get_span_context().span_id:016x}" in span.attributes["db.statement"]


def test_metrics_of_the_stable_generation(connect: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "database")
    cursor = connect().cursor()
    cursor.execute("INSERT INTO things (name) VALUES ('a'), ('b')")
    cursor.execute("SELECT 1")
    with pytest.raises(sqlite3.OperationalError):
        cursor.execute("SELECT nothing")
    common = {
        "db.system.name": "sqlite",
        "db.namespace": "shop",
        "server.address": "db.example",
        "server.port": 5432,
    }
    counts = {
        tuple(point.attributes.get(key) for key in ("db.operation.name", "error.type")): point.count
        for point in recorded.points("db.client.operation.duration")
        if common.items() <= dict(point.attributes).items()
    }
    assert counts == {("INSERT", None): 1, ("SELECT", None): 1, ("SELECT", "OperationalError"): 1}
    # Of a SELECT `sqlite3` does not know how many.
    (rows,) = recorded.points("db.client.response.returned_rows")
    assert (rows.attributes["db.operation.name"], rows.sum) == ("INSERT", 2)


def test_no_metrics_of_the_old_generation(connect: Any, recorded: Any) -> None:
    connect().cursor().execute("SELECT 1")
    assert recorded.points("db.client.operation.duration") == []


def test_threads_have_their_own_parents(connect: Any, recorded: Any) -> None:
    connection, tracer = connect(), recorded.tracers.get_tracer("t")

    def query(number: int) -> None:
        with tracer.start_as_current_span(f"{number}"):
            connection.cursor().execute(f"SELECT {number}")

    threads = [threading.Thread(target=query, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = recorded.spans()
    parents = {span.get_span_context().span_id: span.name for span in spans if span.name != "SELECT"}
    found = {span.attributes["db.statement"]: parents[span.parent.span_id] for span in spans if span.name == "SELECT"}
    assert found == {f"SELECT {number}": f"{number}" for number in range(8)}


def test_suppressed(connect: Any, recorded: Any) -> None:
    with suppress_instrumentation():
        connect(enable_commenter=True).cursor().execute("SELECT 1")
    assert recorded.spans() == []


def test_one_connection(recorded: Any, caplog: pytest.LogCaptureFixture) -> None:
    plain = CONNECT(":memory:")
    traced = dbapi.instrument_connection("shop", plain, "sqlite", {}, **recorded.providers)
    assert dbapi.instrument_connection("shop", traced, "sqlite") is traced
    traced.cursor().execute("SELECT 1")
    assert [span.name for span in recorded.spans()] == ["SELECT"]
    assert dbapi.uninstrument_connection(traced) is plain
    assert dbapi.uninstrument_connection(plain) is plain
    assert caplog.messages == ["Connection already instrumented", "Connection is not instrumented"]
    plain.close()


def test_methods_of_classes_are_wrapped_and_restored(recorded: Any) -> None:
    class Driver:
        @classmethod
        def connect(cls, name: str) -> Any:
            assert issubclass(cls, Driver)
            return CONNECT(name)

        @staticmethod
        def open(name: str) -> Any:
            return CONNECT(name)

    class Derived(Driver):
        pass

    before = dict(vars(Driver)), dict(vars(Derived))
    wrapped = ((Driver, "open"), (Derived, "connect"))
    for owner, method in wrapped:
        dbapi.wrap_connect("shop", owner, method, "sqlite", **recorded.providers)
        connection = getattr(owner, method)(":memory:")
        connection.cursor().execute("SELECT 1")
        connection.close()
    assert type(Driver.connect(":memory:").close()) is type(None)
    assert len(recorded.spans()) == 2
    for owner, method in wrapped:
        dbapi.unwrap_connect(owner, method)
    assert (dict(vars(Driver)), dict(vars(Derived))) == before


def test_what_others_have_wrapped_since_stays(connect: Any, recorded: Any) -> None:
    connect()
    ours = sqlite3.connect
    assert (ours.__name__, ours.__doc__) == (CONNECT.__name__, CONNECT.__doc__)

    def theirs(*args: Any) -> Any:
        return ours(*args)

    theirs.__wrapped__ = ours  # type: ignore[attr-defined]
    sqlite3.connect = theirs  # type: ignore[assignment]
    try:
        dbapi.unwrap_connect(sqlite3, "connect")
        assert sqlite3.connect is theirs
        connection = theirs(":memory:")
        assert type(connection) is sqlite3.Connection
        connection.close()
    finally:
        sqlite3.connect = ours.__wrapped__


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def test_what_goes_wrong_in_telemetry_is_not_the_programs(
    connect: Any, recorded: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Cursor:
        connection = None

        def cursor(self) -> Cursor:
            return self

        def execute(self, *args: Any) -> tuple[Any, ...]:
            return args

    statement = Unprintable()
    options = {"capture_parameters": True, "enable_commenter": True}
    connection = dbapi.instrument_connection("shop", Cursor(), "sqlite", **recorded.providers, **options)
    assert connection.cursor().execute(statement, statement) == (statement, statement)
    assert len(recorded.spans()) == 1
    assert caplog.messages == ["Exception while generating sql comment: no text"]

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no integration")

    dbapi.wrap_connect("shop", sqlite3, "connect", "sqlite", db_api_integration_factory=broken)  # type: ignore[arg-type]
    with_none = sqlite3.connect(":memory:")
    dbapi.unwrap_connect(sqlite3, "connect")
    assert type(with_none) is sqlite3.Connection
    with_none.close()
    assert caplog.messages[1:] == ["A connection to sqlite is made without telemetry"]
    dbapi.wrap_connect("shop", sqlite3, "no_such_function", "sqlite")
    assert caplog.messages[2].startswith("Failed to integrate with DB API. ")


def test_what_cannot_be_copied_says_so_itself(connect: Any) -> None:
    connection = connect()
    with pytest.raises(TypeError, match="Connection"):
        copy.copy(connection)
