"""The example does what it says."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parse

EXAMPLE = Path(__file__).parents[3] / "examples/prometheus.py"


def test_the_shop_serves_its_metrics_until_it_is_stopped() -> None:
    command = [sys.executable, str(EXAMPLE), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shop:
        assert shop.stdout is not None
        url = shop.stdout.readline().split()[-1]
        deadline, orders = time.monotonic() + 20, 0.0
        while orders < 5 and time.monotonic() < deadline:
            with urllib.request.urlopen(url, timeout=10) as answer:
                families = {family.name: family for family in parse(answer.read().decode())}
            orders = sum(sample.value for sample in families["shop_orders"].samples) if "shop_orders" in families else 0
            time.sleep(0.1)
        shop.send_signal(signal.SIGINT)
        assert shop.wait(10) == 0
    assert orders >= 5
    assert families["target_info"].samples[0].labels["service_name"] == "shop"
    assert len(families["shop_stock"].samples) == 2
    assert families["http_server_request_duration_seconds"].type == "histogram"
