"""Runs a case on a subject: starts the program, drives it, and counts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Iterator, NamedTuple, Sequence

from .collector import ClosedPort, Collector, Counts, Mute

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
    """After the interpreter; `{python}` is that interpreter, `{bin}` where its commands lie. Here and in `environ`,
    `{folder}` is a directory of the case's own."""
    drive: Callable[[Run], None] | None = None
    """What is done to the running program; None: it ends by itself."""
    collector: Callable[[], Counts | Mute | ClosedPort] = Collector
    """Makes what is sent to."""
    protocol: str = "http"
    scheme: str = "http"
    environ: dict[str, str] = {}
    status: int | None = 0
    """The exit status that is right, as `subprocess` gives it; None: any."""
    lost: int | None = 0
    """How many may be lost at most; None: all, the collector takes nothing."""
    seconds: float = 5.0
    """How long the exit may take at most, on a busy machine."""
    patience: float = 60
    """After so many seconds the program counts as one that hangs."""
    quick: bool = True
    """Runs in `make test` too."""
    metrics: bool = False
    """Counts what the counter says, not spans."""
    lines: int | None = None
    """How many lines may be logged at most, before the exit; None: any number."""
    counted: bool = False
    """The log says exactly how many were lost."""
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
    grown: int
    """By how many bytes the program's memory grew while spans were made, where it was looked at."""
    said: str
    """What the program printed."""

    @property
    def lost(self) -> int:
        return max(0, self.made - self.received)


class Run:
    """A case that is running."""

    def __init__(self, case: Case, subject: Subject, folder: Path, collector: Counts | Mute | ClosedPort) -> None:
        self.case = case
        self.collector = collector if isinstance(collector, Counts) else None
        self.began: float | None = None
        self.made_elsewhere: int | None = None
        self._report = folder / "report.jsonl"
        self._output = folder / "output.txt"
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "FERROTEL_", "PYTHON"))
        }
        environ.update(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"{case.scheme}://127.0.0.1:{collector.port}",
            OTEL_EXPORTER_OTLP_INSECURE="true",
            OTEL_SERVICE_NAME="faults",
            FAULTS_PROTOCOL=case.protocol,
            FAULTS_REPORT=str(self._report),
            PYTHONUNBUFFERED="1",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self._places = {"python": subject.python, "bin": str(Path(subject.python).parent), "folder": str(folder)}
        environ.update((name, self._put(value)) for name, value in case.environ.items())
        self._environ = environ
        self.process = self._start(case.command)

    def _put(self, word: str) -> str:
        return word.format_map(self._places) if word.startswith("{") else word

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [self._places["python"], *map(self._put, command)],
                cwd=PROGRAMS,
                env=self._environ,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def next(self, *command: str) -> None:
        """Waits for the program's end, and starts another one in its place."""
        self.process.wait(30)
        self.end()
        self.process = self._start(command)

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

    def end(self) -> None:
        """Ends what is left of the program and of its children."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def outcome(self, seconds: float) -> Outcome:
        try:
            status = self.process.wait(seconds)
            ended = time.monotonic()
            # A child may outlive its parent for a moment.
            time.sleep(0.05)
        finally:
            self.end()
        made: dict[int, int] = {}
        grown = 0
        stall = 0.0
        began = self.began
        for line in self.lines():
            made[line["pid"]] = max(made.get(line["pid"], 0), line["made"])
            stall = max(stall, line["stall"])
            grown = max(grown, line.get("grown", 0))
            if self.began is None and "ending" in line:
                began = line["ending"]
        collector = self.collector
        received = 0
        if collector:
            collector.read_kept()
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
            grown=grown,
            said=self.said,
        )


def run(case: Case, subject: Subject) -> Outcome:
    """Runs it, for as long as it may take at most."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, case.collector() as collector:
        running = Run(case, subject, Path(folder), collector)
        try:
            if case.drive is not None:
                case.drive(running)
            return running.outcome(case.patience)
        except BaseException:
            running.end()
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
    if outcome.stall > 0.25:
        yield f"a span took {outcome.stall * 1e3:.0f} ms"
    said = [
        line for line in outcome.said.splitlines() if "at shutdown" not in line and "Shutdown in progress" not in line
    ]
    if case.lines is not None and len(said) > case.lines:
        yield f"{len(said)} lines were logged, {case.lines} may be"
    if case.lines and not said:
        yield "nothing was logged"
    if case.counted:
        told = sum(int(count) for count in re.findall(r"^(\d+) Span\(s\) were (?:dropped|lost)", outcome.said, re.M))
        if told != outcome.made - outcome.received:
            yield f"{outcome.made - outcome.received} were lost, and {told} told"
        if outcome.grown > 64 << 20:
            yield f"memory grew by {outcome.grown >> 20} MiB"
    for sign in ("Fatal Python error", "panicked at", "Segmentation fault"):
        if sign in outcome.said:
            yield f"it said: {sign}"
