"""A real Prometheus server scrapes, and is asked what it has understood."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Iterator, NamedTuple

import pytest

HERE = Path(__file__).parent
KINDS = ["client", "own"]

CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: client
    static_configs: [{{targets: ["127.0.0.1:{client}"]}}]
  - job_name: own
    static_configs: [{{targets: ["127.0.0.1:{own}"]}}]
"""


class Prometheus(NamedTuple):
    """The server, and of each service the trace id of its exemplars."""

    url: str
    log: Path
    traces: dict[str, str]

    def api(self, path: str, **parameters: Any) -> Any:
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, query: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values of an instant query, once it gives any."""
        deadline = time.monotonic() + 20
        while not (found := self.api("query", query=query)["result"]):
            assert time.monotonic() < deadline, f"no result of {query}; targets: {self.api('targets')['activeTargets']}"
            time.sleep(0.1)
        return [(one["metric"], float(one["value"][1])) for one in found]


def prometheus_program() -> str:
    script = HERE.parents[2] / "scripts/prometheus.sh"
    done = subprocess.run([str(script)], capture_output=True, text=True)
    if done.returncode:
        pytest.fail(done.stderr, pytrace=False)
    return done.stdout.strip()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A server that scrapes a service with `prometheus_client` and one without it."""
    program, folder = prometheus_program(), tmp_path_factory.mktemp("prometheus")
    services = [
        subprocess.Popen(
            [sys.executable, str(HERE / "service.py"), kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for kind in KINDS
    ]
    said = [service.stdout.readline().decode().split() for service in services if service.stdout]
    (folder / "prometheus.yml").write_text(CONFIG.format(**{kind: port for kind, (port, _) in zip(KINDS, said)}))
    port, log = free_port(), folder / "log"
    with open(log, "wb") as out:
        server = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
                "--enable-feature=exemplar-storage",
            ],
            stdout=out,
            stderr=out,
        )
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", server, log)
        yield Prometheus(f"http://127.0.0.1:{port}", log, {kind: trace for kind, (_, trace) in zip(KINDS, said)})
    finally:
        server.terminate()
        server.wait(20)
        for service in services:
            service.communicate(timeout=20)
        assert [service.returncode for service in services] == [0, 0]


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                return
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_counter_with_labels(prometheus: Prometheus, kind: str) -> None:
    found = prometheus.query(f'shop_orders_total{{job="{kind}"}}')
    assert {(metric["kind"], metric["paid"]): value for metric, value in found} == {
        ("small", "true"): 4,
        ("large \\ \n heavy", "false"): 4,
    }
    for metric, _ in found:
        assert metric["otel_scope_name"] == "shop.web"
        assert metric["otel_scope_version"] == "2.0"
        assert metric["otel_scope_schema_url"] == "https://example.org/schema"
    assert prometheus.query(f'sum(shop_orders_total{{job="{kind}"}})')[0][1] == 8


@pytest.mark.parametrize("kind", KINDS)
def test_gauges(prometheus: Prometheus, kind: str) -> None:
    assert prometheus.query(f'carts{{job="{kind}"}}')[0][1] == -2
    assert prometheus.query(f'oven_temperature_celsius{{job="{kind}"}}')[0][1] == 180.5


@pytest.mark.parametrize("kind", KINDS)
def test_a_histogram(prometheus: Prometheus, kind: str) -> None:
    selector = f'http_server_duration_seconds_bucket{{job="{kind}"}}'
    buckets = {metric["le"]: value for metric, value in prometheus.query(selector)}
    assert buckets == {"0.1": 50, "0.2": 51, "0.4": 101, "+Inf": 101}
    assert prometheus.query(f"histogram_quantile(0.25, {selector})")[0][1] == pytest.approx(0.0505)
    assert prometheus.query(f"histogram_quantile(0.9, {selector})")[0][1] == pytest.approx(0.2 + 0.2 * (90.9 - 51) / 50)
    ((metric, total),) = prometheus.query(f'http_server_duration_seconds_sum{{job="{kind}"}}')
    assert total == pytest.approx(17.65) and metric["route"] == "/"
    assert prometheus.query(f'http_server_duration_seconds_count{{job="{kind}"}}')[0][1] == 101


@pytest.mark.parametrize("kind", KINDS)
def test_an_exponential_histogram(prometheus: Prometheus, kind: str) -> None:
    selector = f'response_size_bytes_bucket{{job="{kind}"}}'
    buckets = {metric["le"]: value for metric, value in prometheus.query(selector)}
    # Prometheus writes numbers in its own way in OpenMetrics, hence float.
    powers = {1: 1, 2: 2, 4: 4, 8: 8, 16: 16, 32: 32, 64: 64, 128: 100, float("inf"): 100}
    assert {float(le): value for le, value in buckets.items()} == {0: 0, **powers}
    assert 32 < prometheus.query(f"histogram_quantile(0.5, {selector})")[0][1] < 64


@pytest.mark.parametrize("kind", KINDS)
def test_target_info(prometheus: Prometheus, kind: str) -> None:
    ((metric, value),) = prometheus.query(f'target_info{{job="{kind}"}}')
    assert value == 1
    assert metric["service_name"] == "shop" and metric["service_version"] == "1.2"
    assert metric["deployment_environment_name"] == 'a "b"' and metric["telemetry_sdk_name"] == "ferrotel"
    # How it is meant to be used: as labels of another metric.
    joined = f'carts{{job="{kind}"}} * on (job, instance) group_left (service_version) target_info'
    assert prometheus.query(joined)[0][0]["service_version"] == "1.2"


@pytest.mark.parametrize("kind", KINDS)
def test_exemplars(prometheus: Prometheus, kind: str) -> None:
    for query, value in (
        (f'shop_orders_total{{job="{kind}"}}', 1),
        (f'http_server_duration_seconds_bucket{{job="{kind}"}}', 0.15),
    ):
        prometheus.query(query)
        deadline = time.monotonic() + 20
        now = time.time()
        while not (found := prometheus.api("query_exemplars", query=query, start=now - 600, end=now + 600)):
            assert time.monotonic() < deadline, f"no exemplars of {query}"
            time.sleep(0.1)
        ((series,),) = [found]
        (exemplar,) = series["exemplars"]
        assert exemplar["labels"]["trace_id"] == prometheus.traces[kind] and len(exemplar["labels"]["span_id"]) == 16
        assert float(exemplar["value"]) == value and abs(exemplar["timestamp"] - now) < 300
        assert series["seriesLabels"].get("le", "0.2") == "0.2"


@pytest.mark.parametrize("kind", KINDS)
def test_metadata(prometheus: Prometheus, kind: str) -> None:
    prometheus.query(f'shop_orders_total{{job="{kind}"}}')
    found = prometheus.api("targets/metadata", match_target=f'{{job="{kind}"}}')
    assert {
        one["metric"]: (one["type"], one["unit"], one["help"])
        for one in found
        if not one["metric"].startswith(("python", "process"))
    } == {
        "target": ("info", "", "Target metadata"),
        "shop_orders": ("counter", "", "Orders, \\ by kind"),
        "carts": ("gauge", "", ""),
        "oven_temperature_celsius": ("gauge", "celsius", ""),
        "http_server_duration_seconds": ("histogram", "seconds", ""),
        "response_size_bytes": ("histogram", "bytes", ""),
    }


def test_nothing_was_complained_about(prometheus: Prometheus) -> None:
    prometheus.query('count_over_time(carts{job="own"}[1m]) > 4')
    targets = prometheus.api("targets")["activeTargets"]
    assert {(target["labels"]["job"], target["health"], target["lastError"]) for target in targets} == {
        ("client", "up", ""),
        ("own", "up", ""),
    }
    log = prometheus.log.read_text()
    assert not [line for line in log.splitlines() if "level=warn" in line or "level=error" in line]
