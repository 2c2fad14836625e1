"""The resource detectors, and how they are chosen, run and merged."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from typing import Any

import pytest

from opentelemetry.sdk import resources
from opentelemetry.sdk.resources import (
    OsResourceDetector,
    OTELResourceDetector,
    ProcessResourceDetector,
    Resource,
    ResourceDetector,
    ServiceInstanceIdResourceDetector,
    _build_resource_detectors,
    _get_process_dependent_resource,
    _HostResourceDetector,
    get_aggregated_resources,
)

EMPTY = Resource.get_empty()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_RESOURCE_ATTRIBUTES", "OTEL_SERVICE_NAME", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"):
        monkeypatch.delenv(name, raising=False)


class Giving(ResourceDetector):
    def __init__(self, found: Any, seconds: float = 0.0, raise_on_error: bool = False) -> None:
        super().__init__(raise_on_error)
        self.found = found
        self.seconds = seconds

    def detect(self) -> Resource:
        time.sleep(self.seconds)
        if isinstance(self.found, BaseException):
            raise self.found
        return self.found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("k=v", {"k": "v"}),
        ("  k  = v ,k2= v2  ", {"k": "v", "k2": "v2"}),
        ("a=b=c", {"a": "b=c"}),
        ("key=value%20test%0A,other=a+b", {"key": "value test\n", "other": "a+b"}),
        ("half=%zz", {"half": "%zz"}),
        ("k=1,k=2", {"k": "2"}),
    ],
)
def test_environment(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, text: str, expected: dict[str, str]
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", text)
    assert dict(OTELResourceDetector().detect().attributes) == expected
    assert not caplog.records


def test_malformed_environment_is_reported_and_the_rest_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "k=v,broken,k2=v2")
    assert dict(OTELResourceDetector().detect().attributes) == {"k": "v", "k2": "v2"}
    (record,) = caplog.records
    assert record.getMessage().startswith("Invalid key value resource attribute pair broken: ")


def test_service_name_wins_over_resource_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=one")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "other")
    assert OTELResourceDetector().detect().attributes["service.name"] == "other"


def test_instance_id_is_a_random_uuid_of_the_process() -> None:
    one = ServiceInstanceIdResourceDetector().detect().attributes["service.instance.id"]
    assert one == ServiceInstanceIdResourceDetector().detect().attributes["service.instance.id"]
    parsed = uuid.UUID(str(one))
    assert parsed.version == 4
    assert parsed.variant == uuid.RFC_4122


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_instance_id_differs_in_a_forked_child_even_while_the_lock_was_held() -> None:
    program = """
import os, threading
from opentelemetry.sdk import resources
def instance(): return resources.ServiceInstanceIdResourceDetector().detect().attributes["service.instance.id"]
parent = instance()
held, go = threading.Event(), threading.Event()
def hold():
    with resources._service_instance_id_lock:
        held.set()
        go.wait()
threading.Thread(target=hold).start()
held.wait()
import warnings
warnings.simplefilter("ignore")
pid = os.fork()
if pid == 0:
    print(instance(), resources._get_process_dependent_resource().attributes["service.instance.id"], flush=True)
    os._exit(0)
go.set()
os.waitpid(pid, 0)
print(parent, instance(), flush=True)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    child, parent = (line.split() for line in ran.stdout.splitlines())
    assert child[0] == child[1]
    assert parent[0] == parent[1]
    assert child[0] != parent[0]


def test_process() -> None:
    found = dict(ProcessResourceDetector().detect().attributes)
    assert found["process.pid"] == os.getpid()
    assert found["process.parent_pid"] == os.getppid()
    assert found["process.executable.path"] == sys.executable
    assert found["process.runtime.name"] == "cpython"
    assert str(found["process.runtime.version"]).startswith("3.")
    assert found["process.command"] == getattr(sys, "orig_argv", sys.argv)[0]
    assert "process.command_args" not in found
    assert "process.command_line" not in found


def test_process_gives_the_command_line_when_asked() -> None:
    found = ProcessResourceDetector(include_command_args=True).detect().attributes
    arguments = getattr(sys, "orig_argv", sys.argv)
    assert found["process.command_args"] == tuple(arguments)
    assert found["process.command_line"] == " ".join(arguments)


def test_process_owner_needs_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    class Psutil:
        class Process:
            def username(self) -> str:
                return "someone"

    monkeypatch.setattr(resources, "psutil", Psutil, raising=False)
    assert ProcessResourceDetector().detect().attributes["process.owner"] == "someone"
    monkeypatch.setattr(resources, "psutil", None)
    assert "process.owner" not in ProcessResourceDetector().detect().attributes


@pytest.mark.parametrize(
    ("system", "os_type", "os_version"),
    [("Linux", "linux", "release"), ("Windows", "windows", "version"), ("SunOS", "solaris", "version")],
)
def test_os(monkeypatch: pytest.MonkeyPatch, system: str, os_type: str, os_version: str) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.release", lambda: "release")
    monkeypatch.setattr("platform.version", lambda: "version")
    assert dict(OsResourceDetector().detect().attributes) == {"os.type": os_type, "os.version": os_version}


def test_host_keeps_name_and_architecture_when_the_id_fails(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise ValueError("boom")

    monkeypatch.setattr(resources, "_get_host_id", fail)
    assert set(_HostResourceDetector().detect().attributes) == {"host.name", "host.arch"}
    assert [record.getMessage() for record in caplog.records] == ["Failed to detect host.id: boom"]
    with pytest.raises(ValueError, match="boom"):
        _HostResourceDetector(raise_on_error=True).detect()


def test_host_id_on_linux_is_the_first_file_that_has_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "empty").write_text(" \n")
    (tmp_path / "full").write_text(" abc \n")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    paths = tuple(str(tmp_path / name) for name in ("missing", "empty", "full"))
    monkeypatch.setattr(resources, "_LINUX_MACHINE_ID_PATHS", paths)
    assert _HostResourceDetector().detect().attributes["host.id"] == "abc"
    monkeypatch.setattr(resources, "_LINUX_MACHINE_ID_PATHS", paths[:2])
    assert "host.id" not in _HostResourceDetector().detect().attributes


def names_of(detectors: Any) -> list[str]:
    return [type(detector).__name__ for detector in detectors]


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ("", ["ServiceInstanceIdResourceDetector", "OTELResourceDetector"]),
        (
            " os , host",
            [
                "ServiceInstanceIdResourceDetector",
                "OsResourceDetector",
                "_HostResourceDetector",
                "OTELResourceDetector",
            ],
        ),
        ("otel,process", ["ServiceInstanceIdResourceDetector", "OTELResourceDetector", "ProcessResourceDetector"]),
        ("os,service_instance,os", ["OsResourceDetector", "ServiceInstanceIdResourceDetector", "OTELResourceDetector"]),
    ],
)
def test_which_detectors_run(monkeypatch: pytest.MonkeyPatch, configured: str, expected: list[str]) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", configured)
    assert names_of(_build_resource_detectors()) == expected


def test_star_means_all_and_otel_stays_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "os,*")
    found = names_of(_build_resource_detectors())
    assert found[:2] == ["ServiceInstanceIdResourceDetector", "OsResourceDetector"]
    assert found[-1] == "OTELResourceDetector"
    assert {"_HostResourceDetector", "ProcessResourceDetector"} < set(found)
    assert len(found) == len(set(found))


def test_an_unknown_detector_is_reported_and_skipped(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "nosuch,os")
    assert "os.type" in Resource.create().attributes
    (record,) = caplog.records
    assert record.getMessage() == "Failed to load resource detector 'nosuch', skipping"
    assert record.exc_info is not None


def test_a_detector_of_an_installed_distribution(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    (tmp_path / "detecting.py").write_text(
        "from opentelemetry.sdk.resources import Resource, ResourceDetector\n"
        "class Detector(ResourceDetector):\n"
        "    def detect(self):\n"
        "        return Resource({'found': 'by entry point', 'both': 'entry point'})\n"
    )
    info = tmp_path / "detecting-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: detecting\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[opentelemetry_resource_detector]\nmine = detecting:Detector\n")
    program = (
        "from opentelemetry.sdk.resources import Resource\n"
        "found = Resource.create().attributes\n"
        "print(found['found'], found['both'], sep='|')\n"
    )
    for configured in ("mine", "*"):
        environment = {
            **os.environ,
            "PYTHONPATH": str(tmp_path),
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": configured,
            "OTEL_RESOURCE_ATTRIBUTES": "both=environment",
        }
        ran = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        assert ran.stdout.strip() == "by entry point|environment"


def test_later_detectors_win_and_order_does_not_depend_on_speed() -> None:
    slow, fast = Giving(Resource({"k": "slow", "s": 1}), seconds=0.2), Giving(Resource({"k": "fast"}))
    assert dict(get_aggregated_resources([slow, fast], EMPTY).attributes) == {"k": "fast", "s": 1}
    assert dict(get_aggregated_resources([fast, slow], EMPTY).attributes) == {"k": "slow", "s": 1}


def test_detectors_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3, timeout=10)

    class Meeting(ResourceDetector):
        def detect(self) -> Resource:
            meeting.wait()
            return Resource({"met": True})

    assert get_aggregated_resources([Meeting() for _ in range(3)], EMPTY).attributes["met"] is True


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3)])
def test_a_failing_detector_is_reported_and_skipped(caplog: pytest.LogCaptureFixture, error: BaseException) -> None:
    bad = Giving(error)
    assert dict(get_aggregated_resources([bad, Giving(Resource({"a": 1}))], EMPTY).attributes) == {"a": 1}
    assert [record.getMessage() for record in caplog.records] == [f"Exception {error} in detector {bad}, ignoring"]


def test_a_failing_detector_may_ask_to_be_heard() -> None:
    with pytest.raises(ValueError, match="boom"):
        get_aggregated_resources([Giving(ValueError("boom"), raise_on_error=True)], EMPTY)


def test_an_answer_that_is_no_resource_is_reported_and_skipped(caplog: pytest.LogCaptureFixture) -> None:
    assert get_aggregated_resources([Giving(None)], EMPTY) == EMPTY
    assert "gave no Resource but None" in caplog.text


def test_a_slow_detector_is_skipped_and_its_thread_ends_before_the_call(caplog: pytest.LogCaptureFixture) -> None:
    slow = Giving(Resource({"late": True}), seconds=0.5)
    before = set(threading.enumerate())
    assert get_aggregated_resources([slow], EMPTY, timeout=0.1) == EMPTY  # type: ignore[arg-type]
    assert set(threading.enumerate()) <= before
    assert [r.getMessage() for r in caplog.records] == [f"Detector {slow} took longer than 0.1 seconds, skipping"]
    with pytest.raises(TimeoutError):
        get_aggregated_resources([Giving(None, 0.5, raise_on_error=True)], EMPTY, timeout=0.1)  # type: ignore[arg-type]


def test_a_detector_that_never_returns_does_not_hold_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opentelemetry.sdk.resources._detector_run._GRACE_SECONDS", 0.1)
    for_ever = threading.Event()

    class Stuck(ResourceDetector):
        def detect(self) -> Resource:
            for_ever.wait()
            return Resource({})

    started = time.monotonic()
    assert get_aggregated_resources([Stuck()], EMPTY, timeout=0.1) == EMPTY  # type: ignore[arg-type]
    assert time.monotonic() - started < 5
    for_ever.set()


def test_what_is_asked_again_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,os")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "a=b")
    found = set(_get_process_dependent_resource().attributes)
    assert {"service.instance.id", "process.pid"} <= found
    assert not {"os.type", "a"} & found
