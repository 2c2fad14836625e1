"""`SQLAlchemyInstrumentor` on SQLite and on a real PostgreSQL, with and without asyncio."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
from typing import Any, Iterator

import pytest
import sqlalchemy
from sqlalchemy import create_engine as imported_before
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.ext import asyncio as sqlalchemy_asyncio
from sqlalchemy.orm import Session, declarative_base
from sqlalchemy.pool import QueuePool

from opentelemetry import trace
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

ORIGINALS = {
    (owner, name): vars(owner)[name]
    for owner, name in (
        (sqlalchemy, "create_engine"),
        (sqlalchemy.engine, "create_engine"),
        (sqlalchemy.engine.create, "create_engine"),
        (sqlalchemy_asyncio, "create_async_engine"),
        (sqlalchemy_asyncio.engine, "create_async_engine"),
        (Engine, "connect"),
    )
}


@pytest.fixture
def instrument(recorded: Any) -> Iterator[Any]:
    def instrument(**options: Any) -> Any:
        return SQLAlchemyInstrumentor().instrument(**recorded.providers, **options)

    yield instrument
    if SQLAlchemyInstrumentor().is_instrumented_by_opentelemetry:
        SQLAlchemyInstrumentor().uninstrument()
    assert {key: vars(key[0])[key[1]] for key in ORIGINALS} == ORIGINALS
    assert trace.get_current_span() is trace.INVALID_SPAN


@pytest.fixture
def engines() -> Iterator[list[Any]]:
    """Engines that the test makes; they are disposed of."""
    made: list[Any] = []
    yield made
    for engine in made:
        engine.dispose()


@pytest.mark.parametrize(
    ("opt_in", "connected", "queried", "schema"),
    [
        (
            "",
            {"db.system": "sqlite", "db.name": ":memory:"},
            {"db.statement": "SELECT 1", "db.operation": "SELECT :memory:"},
            "1.11.0",
        ),
        (
            "database",
            {"db.system.name": "sqlite", "db.namespace": ":memory:"},
            {"db.query.text": "SELECT 1", "db.operation.name": "SELECT :memory:"},
            "1.25.0",
        ),
        (
            "database/dup",
            {"db.system": "sqlite", "db.name": ":memory:", "db.system.name": "sqlite", "db.namespace": ":memory:"},
            {
                "db.statement": "SELECT 1",
                "db.operation": "SELECT :memory:",
                "db.query.text": "SELECT 1",
                "db.operation.name": "SELECT :memory:",
            },
            "1.25.0",
        ),
    ],
)
def test_spans_on_sqlite(
    instrument: Any,
    recorded: Any,
    engines: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    opt_in: str,
    connected: dict[str, Any],
    queried: dict[str, Any],
    schema: str,
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    instrument()
    engine = sqlalchemy.create_engine("sqlite:///:memory:")
    engines.append(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    connect, query = recorded.spans()
    assert (connect.name, connect.kind, dict(connect.attributes)) == ("connect", SpanKind.CLIENT, connected)
    assert (query.name, query.kind) == ("SELECT :memory:", SpanKind.CLIENT)
    assert dict(query.attributes) == {**connected, **queried}
    assert query.status.status_code is StatusCode.UNSET
    scope = query.instrumentation_scope
    assert scope.name == "opentelemetry.instrumentation.sqlalchemy"
    assert scope.schema_url == f"https://opentelemetry.io/schemas/{schema}"


@pytest.mark.parametrize(
    ("opt_in", "expected"),
    [
        (
            "",
            {
                "net.peer.name": "127.0.0.1",
                "db.name": "postgres",
                "db.user": "postgres",
                "db.system": "postgresql",
                "db.statement": "SELECT 1",
                "db.operation": "SELECT postgres",
            },
        ),
        (
            "database,http",
            {
                "server.address": "127.0.0.1",
                "db.namespace": "postgres",
                "db.system.name": "postgresql",
                "db.query.text": "SELECT 1",
                "db.operation.name": "SELECT postgres",
            },
        ),
    ],
)
def test_spans_on_postgres(
    instrument: Any,
    recorded: Any,
    engines: list[Any],
    postgres_server: Any,
    monkeypatch: pytest.MonkeyPatch,
    opt_in: str,
    expected: dict[str, Any],
) -> None:
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", opt_in)
    instrument()
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{postgres_server.address}")
    engines.append(engine)
    with engine.connect() as connection:
        recorded.spans()
        connection.execute(text("SELECT 1"))
    (query,) = recorded.spans()
    port = {"server.port" if opt_in else "net.peer.port": postgres_server.port}
    assert (query.name, dict(query.attributes)) == ("SELECT postgres", {**expected, **port})


def test_postgres_on_its_socket(instrument: Any, recorded: Any, engines: list[Any], postgres_server: Any) -> None:
    instrument()
    url = f"postgresql+psycopg2://postgres@/postgres?host={postgres_server.folder}&port={postgres_server.port}"
    engine = sqlalchemy.create_engine(url)
    engines.append(engine)
    with engine.connect() as connection:
        recorded.spans()
        connection.execute(text("SELECT 1"))
    (query,) = recorded.spans()
    socket = f"{postgres_server.folder}/.s.PGSQL.{postgres_server.port}"
    assert query.attributes["net.peer.name"] == socket
    assert query.attributes["net.transport"] == "other"


def test_an_error_is_the_programs_and_the_spans(
    instrument: Any, recorded: Any, engines: list[Any], postgres_server: Any
) -> None:
    engine = imported_before(f"postgresql+psycopg2://{postgres_server.address}")
    engines.append(engine)
    tracer = instrument(engine=engine)
    assert isinstance(tracer, EngineTracer)
    with engine.connect() as connection:
        with pytest.raises(sqlalchemy.exc.ProgrammingError):
            connection.execute(text("SELECT * FROM nowhere"))
        connection.rollback()
        connection.execute(text("SELECT 1"))
    _, failed, well = recorded.spans()
    assert (failed.name, failed.status.status_code) == ("SELECT postgres", StatusCode.ERROR)
    assert failed.status.description.startswith('relation "nowhere" does not exist')
    assert (well.status.status_code, well.parent) == (StatusCode.UNSET, None)


def test_engines(instrument: Any, recorded: Any, engines: list[Any]) -> None:
    engines += [imported_before("sqlite://"), imported_before("sqlite://")]
    tracers = instrument(engines=engines)
    assert [type(tracer) for tracer in tracers] == [EngineTracer, EngineTracer]
    for engine in engines:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    assert [span.name for span in recorded.spans()] == ["connect", "SELECT", "connect", "SELECT"]


def test_the_comment_reaches_the_server(
    instrument: Any, recorded: Any, engines: list[Any], postgres_server: Any
) -> None:
    instrument(enable_commenter=True, commenter_options={"db_framework": False})
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{postgres_server.address}")
    engines.append(engine)
    statement = "SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();"
    with engine.connect() as connection:
        recorded.spans()
        seen = connection.execute(text(statement)).scalar()
    (span,) = recorded.spans()
    context = span.get_span_context()
    traceparent = f"00-{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}-03"
    assert seen == f"{statement[:-1]} /*db_driver='psycopg2',traceparent='{traceparent}'*/;"
    assert span.attributes["db.statement"] == statement


def test_the_comment_is_recorded_when_asked_for(instrument: Any, recorded: Any, engines: list[Any]) -> None:
    instrument(enable_commenter=True, enable_attribute_commenter=True)
    engine = sqlalchemy.create_engine("sqlite://")
    engines.append(engine)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    *_, span = recorded.spans()
    begin = f"SELECT 1 /*db_driver='pysqlite',db_framework='sqlalchemy%%3A{sqlalchemy.__version__}',traceparent="
    assert span.attributes["db.statement"].startswith(begin)


def usage(recorded: Any) -> dict[str, int]:
    return {
        point.attributes["state"]: point.value
        for point in recorded.points("db.client.connections.usage")
        if point.attributes["pool.name"] in ("shop", "sqlite://:/:memory:")
    }


@pytest.mark.parametrize("options", [{}, {"pool_logging_name": "shop"}], ids=["url", "name"])
def test_the_use_of_a_pool(instrument: Any, recorded: Any, options: dict[str, Any]) -> None:
    instrument()
    engine = sqlalchemy.create_engine("sqlite:///:memory:", poolclass=QueuePool, pool_size=2, **options)
    first, second = engine.connect(), engine.connect()
    assert usage(recorded) == {"idle": 0, "used": 2}
    first.close()
    assert usage(recorded) == {"idle": 1, "used": 1}
    second.close()
    assert usage(recorded) == {"idle": 2, "used": 0}
    engine.dispose()
    assert usage(recorded) == {"idle": 0, "used": 0}


Base: Any = declarative_base()


class Thing(Base):
    __tablename__ = "things"
    id = sqlalchemy.Column(sqlalchemy.Integer, primary_key=True)
    name = sqlalchemy.Column(sqlalchemy.String(20))


def test_sessions_and_many_rows(instrument: Any, recorded: Any, engines: list[Any], postgres_server: Any) -> None:
    instrument()
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{postgres_server.address}")
    engines.append(engine)
    Base.metadata.create_all(engine)
    try:
        recorded.spans()
        with recorded.tracers.get_tracer("t").start_as_current_span("request") as request, Session(engine) as session:
            session.add_all([Thing(name=f"{number}") for number in range(3)])
            session.commit()
            assert [thing.name for thing in session.query(Thing).order_by(Thing.id)] == ["0", "1", "2"]
            session.execute(sqlalchemy.insert(Thing.__table__), [{"name": "a"}, {"name": "b"}])
        spans = recorded.spans()
        names = ["connect", "INSERT postgres", "connect", "SELECT postgres", "INSERT postgres", "request"]
        assert [span.name for span in spans] == names
        assert {span.parent.span_id for span in spans[:-1]} == {request.get_span_context().span_id}
    finally:
        Base.metadata.drop_all(engine)


def test_server_side_cursor(instrument: Any, recorded: Any, engines: list[Any], postgres_server: Any) -> None:
    instrument()
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{postgres_server.address}")
    engines.append(engine)
    with engine.connect() as connection:
        recorded.spans()
        rows = connection.execution_options(stream_results=True).execute(text("SELECT generate_series(1, 3000)"))
        assert sum(1 for _ in rows) == 3000
    assert [span.name for span in recorded.spans()] == ["SELECT postgres"]


class Current(sqlite3.Cursor):
    """A driver that tells which span is current while it works."""

    spans: list[Any] = []

    def execute(self, *args: Any) -> Any:
        Current.spans.append(trace.get_current_span())
        return super().execute(*args)


class CurrentConnection(sqlite3.Connection):
    def cursor(self, *args: Any) -> Any:
        return super().cursor(Current)


def test_a_statements_span_is_current_in_the_driver(
    instrument: Any, recorded: Any, engines: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Current, "spans", [])
    instrument()
    engine = sqlalchemy.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(":memory:", factory=CurrentConnection)
    )
    engines.append(engine)
    with engine.connect() as connection:
        Current.spans.clear()
        connection.execute(text("SELECT 1"))
        assert trace.get_current_span() is trace.INVALID_SPAN
        with pytest.raises(sqlalchemy.exc.OperationalError):
            connection.execute(text("SELECT nothing"))
        assert trace.get_current_span() is trace.INVALID_SPAN
    _, *queries = recorded.spans()
    assert [span.get_span_context() for span in Current.spans] == [span.get_span_context() for span in queries]
    SQLAlchemyInstrumentor().uninstrument()
    assert not set(vars(engine.dialect)) & {"initialize", "do_execute", "do_executemany", "do_execute_no_params"}
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert Current.spans[-1] is trace.INVALID_SPAN
    assert recorded.spans() == []


def test_a_listener_that_raises_leaves_no_span_current(instrument: Any, recorded: Any, engines: list[Any]) -> None:
    instrument()
    engine = sqlalchemy.create_engine("sqlite://")
    engines.append(engine)

    @event.listens_for(engine, "before_cursor_execute")
    def refuse(*_: Any) -> None:
        raise PermissionError

    with engine.connect() as connection, pytest.raises(PermissionError):
        connection.execute(text("SELECT 1"))
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_async(instrument: Any, recorded: Any) -> None:
    instrument()
    tracer = recorded.tracers.get_tracer("t")

    async def query(engine: Any, name: str) -> None:
        with tracer.start_as_current_span(name):
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                with pytest.raises(sqlalchemy.exc.OperationalError):
                    await connection.execute(text("SELECT nothing"))
            assert trace.get_current_span().name == name  # type: ignore[attr-defined]

    async def main() -> None:
        made = sqlalchemy_asyncio.create_async_engine("sqlite+aiosqlite:///:memory:")
        configured = sqlalchemy_asyncio.async_engine_from_config({"sqlalchemy.url": "sqlite+aiosqlite:///:memory:"})
        await asyncio.gather(query(made, "made"), query(configured, "configured"))
        await made.dispose()
        await configured.dispose()

    asyncio.run(main())
    spans = recorded.spans()
    owners = {span.get_span_context().span_id: span.name for span in spans if span.parent is None}
    assert set(owners.values()) == {"made", "configured"}
    for owner, name in owners.items():
        children = [span for span in spans if span.parent is not None and span.parent.span_id == owner]
        assert [span.name for span in children] == ["connect", "SELECT :memory:", "SELECT :memory:"], name
        assert [span.status.is_ok for span in children] == [True, True, False]


def test_an_async_engine_that_is_there_already(instrument: Any, recorded: Any) -> None:
    async def main() -> None:
        engine = sqlalchemy_asyncio.create_async_engine("sqlite+aiosqlite://")
        instrument(engine=engine)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        await engine.dispose()

    asyncio.run(main())
    assert [span.name for span in recorded.spans()] == ["connect", "SELECT"]


def test_threads_have_their_own_parents(
    instrument: Any, recorded: Any, engines: list[Any], postgres_server: Any
) -> None:
    instrument()
    tracer = recorded.tracers.get_tracer("t")
    engine = sqlalchemy.create_engine(f"postgresql+psycopg2://{postgres_server.address}")
    engines.append(engine)

    def query(number: int) -> None:
        with tracer.start_as_current_span(f"{number}"), engine.connect() as connection:
            connection.execute(text(f"SELECT {number}"))

    threads = [threading.Thread(target=query, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = recorded.spans()
    parents = {span.get_span_context().span_id: span.name for span in spans}
    found = {
        span.attributes["db.statement"]: parents[span.parent.span_id]
        for span in spans
        if span.name == "SELECT postgres" and span.parent is not None
    }
    assert found.items() >= {(f"SELECT {number}", f"{number}") for number in range(4)}


def test_suppressed(instrument: Any, recorded: Any, engines: list[Any]) -> None:
    instrument()
    engine = sqlalchemy.create_engine("sqlite:///:memory:")
    engines.append(engine)
    with suppress_instrumentation():
        engines.append(sqlalchemy.create_engine("sqlite://"))
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    assert engines[1] not in EngineTracer._remove_event_listener_params
    assert recorded.spans() == []
    assert usage(recorded) == {}


def test_an_engine_is_not_kept_alive(instrument: Any, recorded: Any) -> None:
    instrument()
    engine = sqlalchemy.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    engine.dispose()
    del engine, connection
    gc.collect()
    assert len(EngineTracer._remove_event_listener_params) == 0


def test_what_stands_for_an_engine_is_left_alone(
    instrument: Any, recorded: Any, caplog: pytest.LogCaptureFixture
) -> None:
    instrument()
    statements: list[str] = []
    mock = sqlalchemy.create_mock_engine("sqlite://", lambda statement, *_: statements.append(str(statement)))
    mock.execute(text("SELECT 1"))
    assert statements == ["SELECT 1"]
    assert caplog.messages == []


def test_asyncio_that_nobody_imported_before() -> None:
    code = """
import sqlalchemy, sys
assert "sqlalchemy.ext.asyncio" not in sys.modules
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer
SQLAlchemyInstrumentor().instrument()
from sqlalchemy.ext.asyncio import create_async_engine
engine = create_async_engine("sqlite+aiosqlite://")
print(len(EngineTracer._remove_event_listener_params[engine.sync_engine]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


def test_what_others_have_wrapped_since_stays(instrument: Any, recorded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    instrument()
    ours = sqlalchemy.create_engine
    with monkeypatch.context() as patch:
        theirs: Any = lambda url: ours(url)  # noqa: E731
        patch.setattr(sqlalchemy, "create_engine", theirs)
        SQLAlchemyInstrumentor().uninstrument()
        assert sqlalchemy.create_engine is theirs
        engine = sqlalchemy.create_engine("sqlite://")
        assert engine not in EngineTracer._remove_event_listener_params
        engine.dispose()
        monkeypatch.undo()
    sqlalchemy.create_engine = ORIGINALS[sqlalchemy, "create_engine"]
