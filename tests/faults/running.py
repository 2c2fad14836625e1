"""Runs a case on a subject: starts the program, drives it, and counts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from .collector import ClosedPort, Collector, Mute

PROGRAMS = Path(__file__).resolve().parent / "programs"


class Subject(NamedTuple):
    """Whose SDK is looked at."""

    name: str
    python: str


class Case(NamedTuple):
    """One trouble, and what is expected of ferrotel in it."""

    group: str
    name: str
    command: Sequence[str]
    """After the interpreter."""
    drive: Callable[[Run], None] | None = None
    """What is done to the running program; None: it ends by itself."""
    collector: Callable[[], Collector | Mute | ClosedPort] = Collector
    """Makes what is sent to."""
    protocol: str = "http"
    environ: dict[str, str] = {}
    status: int | None = 0
    """The exit status that is right, as `subprocess` gives it; None: any."""
    lost: int | None = 0
    """How many may be lost at most; None: all, the collector takes nothing."""
    seconds: float = 5.0
    """How long the exit may take at most, on a busy machine."""
    quick: bool = True
    """Runs in `make test` too."""
    metrics: bool = False
    """Counts what the counter says, not spans."""
    official: bool = True
    """Runs with the official packages too."""


class Outcome(NamedTuple):
    """What became of it."""

    made: int
    received: int
    stall: float
    """Seconds."""
    exit: float
    """Seconds from the beginning of the end."""
    status: int
    repeated: int
    instances: int
    """How many different `service.instance.id` were seen."""
    processes: int
    """How many processes made something."""
    said: str
    """What the program printed."""

    @property
    def lost(self) -> int:
        return max(0, self.made - self.received)


class Run:
    """A case that is running."""

    def __init__(self, case: Case, subject: Subject, folder: Path, collector: Collector | Mute | ClosedPort) -> None:
        self.case = case
        self.collector = collector if isinstance(collector, Collector) else None
        self.began: float | None = None
        self.made_elsewhere: int | None = None
        self._report = folder / "report.jsonl"
        self._output = folder / "output.txt"
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "FERROTEL_", "PYTHON"))
        }
        environ.update(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.port}",
            OTEL_EXPORTER_OTLP_INSECURE="true",
            OTEL_SERVICE_NAME="faults",
            FAULTS_PROTOCOL=case.protocol,
            FAULTS_REPORT=str(self._report),
            PYTHONUNBUFFERED="1",
            PYTHONDONTWRITEBYTECODE="1",
        )
        environ.update(case.environ)
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [subject.python, *case.command], cwd=PROGRAMS, env=environ, stdout=output, stderr=subprocess.STDOUT
            )

    def lines(self) -> list[dict[str, Any]]:
        """The report so far."""
        text = self._report.read_text() if self._report.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    @property
    def said(self) -> str:
        return self._output.read_text(errors="replace")

    def wait_for(self, condition: Callable[[], Any], seconds: float = 30) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        raise AssertionError(f"{self.case.name}: the program did not come so far:\n{self.said}")

    def wait_until_ready(self) -> None:
        self.wait_for(lambda: any("ready" in line for line in self.lines()))

    def kill(self, number: int) -> None:
        """The beginning of the end."""
        self.began = time.monotonic()
        self.process.send_signal(number)

    def outcome(self, seconds: float) -> Outcome:
        try:
            status = self.process.wait(seconds)
        finally:
            ended = time.monotonic()
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
        # A child may outlive its parent for a moment.
        time.sleep(0.05)
        made: dict[int, int] = {}
        stall = 0.0
        began = self.began
        for line in self.lines():
            made[line["pid"]] = max(made.get(line["pid"], 0), line["made"])
            stall = max(stall, line["stall"])
            if self.began is None and "ending" in line:
                began = line["ending"]
        collector = self.collector
        received = 0
        if collector:
            received = int(max(collector.points, default=0)) if self.case.metrics else len(collector.spans)
        total = sum(made.values()) if self.made_elsewhere is None else self.made_elsewhere
        return Outcome(
            made=500 if self.case.metrics else total,
            received=received,
            stall=stall,
            exit=ended - (ended if began is None else began),
            status=status,
            repeated=collector.repeated if collector else 0,
            instances=len(collector.instances) if collector else 0,
            processes=sum(1 for count in made.values() if count),
            said=self.said,
        )


def run(case: Case, subject: Subject) -> Outcome:
    """Runs it, for two minutes at most."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, case.collector() as collector:
        running = Run(case, subject, Path(folder), collector)
        try:
            if case.drive is not None:
                case.drive(running)
            return running.outcome(120)
        except BaseException:
            if running.process.poll() is None:
                running.process.send_signal(signal.SIGKILL)
                running.process.wait()
            raise


def complaints(case: Case, outcome: Outcome) -> Iterator[str]:
    """What is not as it is expected of ferrotel."""
    if outcome.made == 0:
        yield "nothing was made"
    if case.lost is not None and outcome.lost > case.lost:
        yield f"{outcome.lost} of {outcome.made} were lost, {case.lost} may be"
    if outcome.repeated:
        yield f"{outcome.repeated} span ids came more than once"
    if case.status is not None and outcome.status != case.status:
        yield f"it ended with {outcome.status}, not {case.status}"
    if outcome.exit > case.seconds:
        yield f"its end took {outcome.exit:.2f} s, {case.seconds} s are allowed"
    if case.lost == 0 and not case.metrics and outcome.instances < outcome.processes:
        yield f"{outcome.processes} processes shared {outcome.instances} service.instance.id"
    for sign in ("Fatal Python error", "panicked at", "Segmentation fault"):
        if sign in outcome.said:
            yield f"it said: {sign}"
