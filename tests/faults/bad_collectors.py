"""Collectors that are away, slow or wrong, and what the program feels of it."""

from __future__ import annotations

import functools
import time
from pathlib import Path
from typing import Callable

from . import collector as kinds
from . import h2_collector as h2
from . import odd_answers as odd
from .collector import ClosedPort, Collector, Mute
from .grpc_collector import GrpcCollector
from .h2_collector import H2Collector
from .resolver import FILE, NAME, resolver
from .running import Case, Run
from .tls_collector import TlsCollector, trusting

#: What the log says, and what it says to do.
REFUSED = r".*Connection refused.* Nothing listens at .*: is the collector running there\?"
AGAIN = r"^Transient error (?=.* retrying in )"
GIVEN_UP = r"^Failed to export .*"
SILENT = GIVEN_UP + r"No answer came within .*: see whether the endpoint is reachable .* or raise the timeout"
BROKEN = AGAIN + r".* The connection broke: see whether the collector, or a proxy before it, "
SEND_LESS = r".* raise its limits, or send less"
SEE_ITS_LOG = r".* [Ss]ee the server's own log"
SHORT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "1"}


def restarts(run: Run) -> None:
    """Goes away for a second and a half, and comes back on the same port."""
    run.wait_for(lambda: run.collector is not None and run.collector.spans)
    collector = run.collector
    assert isinstance(collector, (Collector, H2Collector))
    # What is counted is still to be answered.
    time.sleep(0.2)
    collector.stop()
    time.sleep(1.5)
    collector.start()


def moves(run: Run) -> None:
    """The collector's name gets another address, and the collector moves there, on the same port."""
    run.wait_for(lambda: run.collector is not None and run.collector.spans)
    collector = run.collector
    assert isinstance(collector, Collector)
    time.sleep(0.2)
    collector.stop()
    collector.host = "127.0.0.2"
    collector.start()
    Path(run.environ[FILE]).write_text(f"{collector.host}\n")


def _bad(name: str, collector: object, *says: str, seconds: float = 1.0, exits: float = 8, **more: object) -> Case:
    """Sends to it for some seconds, every half of one; `says` is all that is logged."""
    command = ["steady.py", "steady", str(seconds), "500", "500"]
    return Case("collector", name, command, collector=collector, says=says, seconds=exits, **more)  # type: ignore[arg-type]


def _grpc(name: str, collector: object, *says: str, **more: object) -> Case:
    return _bad(name, collector, *says, protocol="grpc", **more)  # type: ignore[arg-type]


def _http(behaviour: object) -> Callable[[], Collector]:
    return functools.partial(Collector, behaviour)  # type: ignore[arg-type]


def _status(*arguments: object) -> Callable[[], GrpcCollector]:
    return functools.partial(GrpcCollector, *arguments)  # type: ignore[arg-type]


def _h2(behaviour: object) -> Callable[[], H2Collector]:
    return functools.partial(H2Collector, behaviour)  # type: ignore[arg-type]


def _tls(name: str, certificate: str, *says: str, trust: str = "authority", **more: object) -> Case:
    collector = functools.partial(TlsCollector, certificate)
    return _bad(name, collector, *says, scheme="https", environ=trusting(trust), **more)


AWAY = [
    _bad("good", Collector, seconds=4, quick=False, telling=True),
    _bad("refuses connections", ClosedPort, AGAIN + REFUSED, GIVEN_UP + REFUSED, seconds=4, lost=None, quick=False),
    _grpc(
        "refuses connections, gRPC", ClosedPort, AGAIN + REFUSED, GIVEN_UP + REFUSED, seconds=4, lost=None, quick=False
    ),
    _bad("black hole", Mute, SILENT, seconds=4, environ=SHORT, lost=None, quick=False, telling=True),
    _grpc("black hole, gRPC", Mute, SILENT, seconds=4, environ=SHORT, lost=None, quick=False),
    _bad("restarts on the same port", Collector, AGAIN + REFUSED, seconds=3, drive=restarts, telling=True),
    _grpc("restarts on the same port, gRPC", _h2(h2.good), AGAIN + REFUSED, seconds=4, drive=restarts, quick=False),
    _bad("gets another address", Collector, host=NAME, beside=resolver, seconds=1.5, drive=moves, telling=True),
    _bad("vanishes, its connections stay open", _http(odd.vanishes), seconds=4, quick=False, telling=True),
    _grpc("vanishes, its connections stay open, gRPC", _h2(h2.vanishes), seconds=4, quick=False),
]

BREAKS = [
    _bad("closes idle connections", _http(odd.closes_idle), quick=False),
    _bad("closes its connection at every second request", _http(odd.closes_at_a_request)),
    _bad(
        "resets every other answer in its first line", _http(kinds.resets_every_second), BROKEN, seconds=2, quick=False
    ),
    _bad("accepts, and resets every answer in its body", _http(odd.breaks_off)),
    _bad("accepts, and sends an answer that never ends", _http(odd.never_ends)),
    _grpc("GOAWAY after every second answer", _h2(h2.goes_away_idle), seconds=2, quick=False, telling=True),
    _grpc("GOAWAY while it works on every second request", _h2(h2.goes_away_busy), seconds=1.5),
    _grpc("GOAWAY instead of every second answer", _h2(h2.goes_away_before), seconds=1.5),
    _grpc("GOAWAY with an error, twice", _h2(h2.goes_away_angry), BROKEN, seconds=2, quick=False),
    _grpc("refuses every other stream", _h2(h2.refuses_streams), seconds=2, quick=False),
    _grpc("resets an answer before its status", _h2(h2.breaks_off), seconds=2, repeats=True, quick=False),
]

ANSWERS = [
    _bad("answers after 0.5 s", _http(kinds.slow), seconds=4, quick=False),
    _bad("answers byte by byte, for 0.5 s", _http(odd.drips), quick=False),
    _bad("answers with 200 MB", _http(kinds.hostile), quick=False, telling=True),
    _bad("429, Retry-After: 1, twice", _http(kinds.throttles(429, 2)), AGAIN + SEND_LESS),
    _bad("503, Retry-After: 1, twice", _http(kinds.throttles(503, 2)), AGAIN + SEE_ITS_LOG, seconds=4, quick=False),
    _bad(
        "503 twice, without Retry-After",
        _http(kinds.throttles(503, 2, None)),
        AGAIN + SEE_ITS_LOG,
        seconds=4,
        quick=False,
        telling=True,
    ),
    _bad("400", _http(kinds.refuses(400)), GIVEN_UP + r"400, .*\(no such tenant\)" + SEE_ITS_LOG, lost=None),
    _bad(
        "401, and repeats the credentials",
        _http(odd.echoes_credentials),
        GIVEN_UP + r"401, reason: Unauthorized \(no such token: .* Look at the credentials: OTEL_EXPORTER_OTLP_HEADERS",
        environ={"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20sesame-7f3a"},
        never_says="sesame",
        lost=None,
    ),
    _bad("partial success", _http(kinds.partial), r"^Partial success: .* rejected 3 spans .*: three were too old$"),
    _grpc("gRPC UNAVAILABLE, twice", _status("UNAVAILABLE", 2), AGAIN + SEE_ITS_LOG, seconds=4, quick=False),
    _grpc(
        "gRPC RESOURCE_EXHAUSTED with RetryInfo, three times",
        _status("RESOURCE_EXHAUSTED", 3, 300),
        AGAIN + SEND_LESS,
        telling=True,
    ),
    _grpc(
        "gRPC RESOURCE_EXHAUSTED without RetryInfo, always",
        _status("RESOURCE_EXHAUSTED", 10**9),
        GIVEN_UP + "Lower OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        lost=None,
        quick=False,
    ),
]

TLS = [
    _tls("TLS, good", "good", quick=False),
    _tls(
        "TLS, its authority is unknown",
        "good",
        GIVEN_UP + "name the authority's certificate file in OTEL_EXPORTER_OTLP_CERTIFICATE",
        trust="unknown",
        lost=None,
    ),
    _tls("TLS, its certificate is an authority's", "unknown", GIVEN_UP + "give it one", lost=None, quick=False),
    _tls("TLS, its certificate has expired", "expired", GIVEN_UP + "certificate has expired", lost=None, quick=False),
    _tls("TLS, its certificate is another host's", "other_name", GIVEN_UP + "for another host name", lost=None),
    _bad(
        "TLS, the handshake stalls",
        Mute,
        SILENT,
        scheme="https",
        environ={**trusting("authority"), **SHORT},
        lost=None,
        quick=False,
    ),
    _bad(
        "speaks no TLS, https:// endpoint",
        Collector,
        GIVEN_UP + "does not speak TLS on this port: write the endpoint with http://",
        scheme="https",
        lost=None,
        telling=True,
    ),
]

CASES = [*AWAY, *BREAKS, *ANSWERS, *TLS]
