"""`Psycopg2Instrumentor` on a real PostgreSQL."""

from __future__ import annotations

import json
import re
import threading
import uuid
from typing import Any, Iterator

import psycopg2
import pytest
from psycopg2 import extensions, extras, pool, sql

from opentelemetry import trace
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from opentelemetry.trace import SpanKind, StatusCode

CONNECT = psycopg2.connect


@pytest.fixture
def connect(recorded: Any, postgres_server: Any) -> Iterator[Any]:
    """Connects, instrumented by the options of the first call, in a transaction that is rolled back."""
    opened: list[Any] = []

    def connect(*args: Any, instrument: Any = None, **kwargs: Any) -> Any:
        if not Psycopg2Instrumentor().is_instrumented_by_opentelemetry:
            Psycopg2Instrumentor().instrument(**recorded.providers, **(instrument or {}))
        connection = psycopg2.connect(postgres_server.dsn, *args, **kwargs)
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()
    if Psycopg2Instrumentor().is_instrumented_by_opentelemetry:
        Psycopg2Instrumentor().uninstrument()
    assert psycopg2.connect is CONNECT


OLD = {"db.system": "postgresql", "db.name": "postgres", "db.statement": "SELECT 1", "db.user": "postgres"}
NEW = {"db.system.name": "postgresql", "db.namespace": "postgres", "db.query.text": "SELECT 1"}


@pytest.mark.parametrize(
    ("opt_in", "attributes", "host", "port"),
    [
        ("", OLD, "net.peer.name", "net.peer.port"),
        ("database,http", NEW, "server.address", "server.port"),
    ],
)
def test_span(
    connect: Any,
    recorded: Any,
    postgres_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    opt_in: str,
    attributes: dict[str, Any],
    host: str,
    port: str,
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchall() == [(1,)]
    (span,) = recorded.spans()
    assert (span.name, span.kind, span.status.status_code) == ("SELECT", SpanKind.CLIENT, StatusCode.UNSET)
    assert dict(span.attributes) == {**attributes, host: "127.0.0.1", port: postgres_server.port}
    assert span.instrumentation_scope.name == "opentelemetry.instrumentation.psycopg2"


def test_metrics(connect: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "database")
    cursor = connect().cursor()
    cursor.execute("SELECT generate_series(1, 3)")
    with pytest.raises(psycopg2.Error):
        cursor.execute("SELECT nothing")
    durations = {
        point.attributes.get("error.type"): (point.attributes["db.operation.name"], point.count)
        for point in recorded.points("db.client.operation.duration")
    }
    assert durations == {None: ("SELECT", 1), "UndefinedColumn": ("SELECT", 1)}
    (rows,) = recorded.points("db.client.response.returned_rows")
    assert (rows.sum, rows.attributes["db.namespace"], rows.attributes["server.address"]) == (
        3,
        "postgres",
        "127.0.0.1",
    )


def test_an_error_is_the_programs_and_the_spans(connect: Any, recorded: Any) -> None:
    with pytest.raises(psycopg2.errors.UndefinedTable):
        connect().cursor().execute("SELECT * FROM nowhere")
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description.startswith('UndefinedTable: relation "nowhere" does not exist')
    assert [event.attributes["exception.type"] for event in span.events] == ["psycopg2.errors.UndefinedTable"]


def test_every_way_to_execute(connect: Any, recorded: Any) -> None:
    connection = connect(instrument={"capture_parameters": True})
    cursor = connection.cursor()
    cursor.execute("CREATE TEMPORARY TABLE things (id int, name text)")
    cursor.executemany("INSERT INTO things VALUES (%s, %s)", [(1, "a"), (2, "b")])
    cursor.callproc("abs", [-3])
    assert cursor.fetchone() == (3,)
    extras.execute_values(cursor, "INSERT INTO things VALUES %s", [(3, "c"), (4, "d")])
    assert list(cursor.connection.notices) == []
    composed = sql.SQL("SELECT name FROM {} WHERE id = %s").format(sql.Identifier("things"))
    cursor.execute(composed, (2,))
    assert cursor.fetchone() == ("b",)
    with connection.cursor("on_the_server") as named:
        named.itersize = 2
        named.execute("SELECT id FROM things ORDER BY id")
        assert [row[0] for row in named] == [1, 2, 3, 4]
    found = [
        (span.name, span.attributes["db.statement"], span.attributes.get("db.statement.parameters"))
        for span in recorded.spans()
    ]
    assert found[0][0] == "CREATE"
    assert found[1] == ("INSERT", "INSERT INTO things VALUES (%s, %s)", "[(1, 'a'), (2, 'b')]")
    assert found[2] == ("abs", "abs", "[-3]")
    # `execute_values` makes the statement itself, as bytes, which have no operation.
    assert found[3] == ("postgres", "INSERT INTO things VALUES (3,'c'),(4,'d')", None)
    assert found[4] == ("SELECT", 'SELECT name FROM "things" WHERE id = %s', "(2,)")
    assert found[5] == ("SELECT", "SELECT id FROM things ORDER BY id", None)
    assert len(found) == 6


def test_the_comment_reaches_the_server(connect: Any, recorded: Any, postgres_server: Any) -> None:
    connection = connect(instrument={"enable_commenter": True, "commenter_options": {"libpq_version": False}})
    cursor = connection.cursor()
    mark = uuid.uuid4().hex
    cursor.execute(f"SELECT '{mark}', query FROM pg_stat_activity WHERE pid = pg_backend_pid();")
    _, seen = cursor.fetchone()
    (span,) = recorded.spans()
    context = span.get_span_context()
    traceparent = f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-03"
    version = psycopg2.__version__.split(" ")[0]
    comment = (
        f"/*db_driver='psycopg2%%3A{version}',dbapi_level='2.0',dbapi_threadsafety=2,"
        f"driver_paramstyle='pyformat',traceparent='{traceparent}'*/"
    )
    assert seen.endswith(f" {comment};")
    assert mark in seen
    assert comment not in span.attributes["db.statement"]
    composed = sql.Composed([sql.SQL("SELECT "), sql.Literal(mark)])
    cursor.execute(composed)
    assert cursor.fetchone() == (mark,)
    assert re.search(rf"statement: SELECT '{mark}' /\*db_driver=.*traceparent=", postgres_server.log())


def test_the_comment_is_recorded_when_asked_for(connect: Any, recorded: Any) -> None:
    connection = connect(instrument={"enable_commenter": True, "enable_attribute_commenter": True})
    connection.cursor().execute("SELECT 1")
    (span,) = recorded.spans()
    assert f"libpq_version={psycopg2.__libpq_version__}" in span.attributes["db.statement"]


class Counting(extensions.cursor):
    count = 0

    def execute(self, *args: Any, **kwargs: Any) -> None:
        type(self).count += 1
        super().execute(*args, **kwargs)


def test_cursor_factories_stay_the_programs(connect: Any, recorded: Any) -> None:
    for args, kwargs in (((), {"cursor_factory": Counting}), ((None, Counting), {})):
        connection = connect(*args, **kwargs)
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        assert isinstance(cursor, Counting)
        assert (type(cursor).count, len(recorded.spans())) == (1, 1)
        Psycopg2Instrumentor.uninstrument_connection(connection)
        assert connection.cursor_factory is Counting


@pytest.mark.parametrize(
    ("factory", "row"),
    [(extras.RealDictConnection, {"id": 1}), (extras.DictConnection, [1]), (extras.NamedTupleConnection, (1,))],
)
def test_connection_factories_make_their_own_cursors(connect: Any, recorded: Any, factory: Any, row: Any) -> None:
    connection = connect(connection_factory=factory)
    assert type(connection) is factory
    cursor = connection.cursor()
    cursor.execute("SELECT 1 AS id")
    found = cursor.fetchone()
    assert found == row
    assert type(found).__module__ != "builtins"
    assert len(recorded.spans()) == 1


def test_a_factory_that_is_no_class(connect: Any, recorded: Any, caplog: pytest.LogCaptureFixture) -> None:
    def make(*args: Any, **kwargs: Any) -> Any:
        return Counting(*args, **kwargs)

    cursor = connect(cursor_factory=make).cursor()
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == (1,)
    assert caplog.messages == ["The statements of a connection have no spans"]


def test_extensions_take_the_connection(connect: Any, recorded: Any) -> None:
    connection = connect()
    assert type(connection) is extensions.connection
    doubled = extensions.new_type((23,), "DOUBLED", lambda value, cursor: int(value) * 2)
    extensions.register_type(doubled, connection)
    extras.register_uuid(conn_or_curs=connection)
    extras.register_default_jsonb(connection, loads=lambda text: json.loads(text)["key"])
    cursor = connection.cursor()
    extensions.register_type(extensions.UNICODE, cursor)
    cursor.execute("""SELECT 21, '{"key": 7}'::jsonb, %s""", (uuid.UUID(int=1),))
    assert cursor.fetchone() == (42, 7, uuid.UUID(int=1))
    assert extensions.quote_ident("a b", connection) == '"a b"'
    assert len(recorded.spans()) == 1


def test_pool_and_threads(connect: Any, recorded: Any, postgres_server: Any) -> None:
    connect()
    tracer = recorded.tracers.get_tracer("t")
    connections = pool.ThreadedConnectionPool(1, 4, postgres_server.dsn)

    def query(number: int) -> None:
        connection = connections.getconn()
        with tracer.start_as_current_span(f"{number}"), connection.cursor() as cursor:
            cursor.execute(f"SELECT {number}")
        connections.putconn(connection)

    threads = [threading.Thread(target=query, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connections.closeall()
    spans = recorded.spans()
    parents = {span.get_span_context().span_id: span.name for span in spans if span.name != "SELECT"}
    found = {span.attributes["db.statement"]: parents[span.parent.span_id] for span in spans if span.name == "SELECT"}
    assert found == {f"SELECT {number}": f"{number}" for number in range(4)}


def test_one_connection(recorded: Any, postgres_server: Any, caplog: pytest.LogCaptureFixture) -> None:
    connection = psycopg2.connect(postgres_server.dsn)
    instrument, uninstrument = Psycopg2Instrumentor.instrument_connection, Psycopg2Instrumentor.uninstrument_connection
    assert instrument(connection, tracer_provider=recorded.tracers) is connection
    assert instrument(connection) is connection
    assert caplog.messages == ["Attempting to instrument Psycopg connection while already instrumented"]
    connection.cursor().execute("SELECT 1")
    (span,) = recorded.spans()
    assert (span.attributes["db.name"], span.attributes["net.peer.port"]) == ("postgres", postgres_server.port)
    assert uninstrument(connection) is connection
    assert connection.cursor_factory is None
    uninstrument(connection)
    assert type(connection.cursor()) is extensions.cursor
    connection.cursor().execute("SELECT 1")
    assert recorded.spans() == []
    instrument(connection, tracer_provider=recorded.tracers, enable_commenter=True)
    connection.cursor().execute("SELECT 1")
    assert len(recorded.spans()) == 1
    connection.close()


def test_one_connection_that_was_instrumented_when_it_was_made(connect: Any, recorded: Any) -> None:
    connection = connect(cursor_factory=Counting)
    Psycopg2Instrumentor.instrument_connection(connection, tracer_provider=recorded.tracers)
    connection.cursor().execute("SELECT 1")
    assert len(recorded.spans()) == 1
    Psycopg2Instrumentor.uninstrument_connection(connection)
    assert connection.cursor_factory is Counting


def test_uninstrument(connect: Any, recorded: Any, postgres_server: Any) -> None:
    connect()
    Psycopg2Instrumentor().uninstrument()
    connection = psycopg2.connect(postgres_server.dsn)
    assert connection.cursor_factory is None
    connection.close()


def test_a_failed_connection_raises_its_own_error(connect: Any, recorded: Any, postgres_server: Any) -> None:
    connect()
    with pytest.raises(psycopg2.OperationalError, match='database "nowhere" does not exist'):
        psycopg2.connect(postgres_server.dsn, dbname="nowhere")
