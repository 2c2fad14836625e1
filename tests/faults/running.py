"""Runs a case on a subject: starts the program, drives it, and counts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator, NamedTuple, Sequence

from .collector import ClosedPort, Collector, Counts, Mute

PROGRAMS = Path(__file__).resolve().parent / "programs"
#: Variables of this machine that programs do not get: other settings, other certificates, other ways to the collector.
NOT_OURS = "^(OTEL|FERROTEL|PYTHON)|_PROXY$|_CA_BUNDLE$|^SSL_CERT"


class NotHere(Exception):
    """This machine has not what a case needs; says what that is."""


class Subject(NamedTuple):
    """Whose SDK is looked at."""

    name: str
    python: str


class Case(NamedTuple):
    """One trouble, and what is expected of ferrotel in it."""

    group: str
    name: str
    command: Sequence[str]
    """After the interpreter; `{python}` is that, `{bin}` where its commands lie, `{home}` its environment. Here and in
    `environ`, `{folder}` is a directory of the case's own."""
    drive: Callable[[Run], None] | None = None
    """What is done to the running program; None: it ends by itself."""
    collector: Callable[[], Counts | Mute | ClosedPort] = Collector
    """Makes what is sent to."""
    beside: Callable[[], ContextManager[dict[str, str]]] | None = None
    """Sets up what else the program needs, and gives the environment variables that tell it. Raises `NotHere`."""
    protocol: str = "http"
    scheme: str = "http"
    host: str = "127.0.0.1"
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
    """Counts what the counter `orders` says, not spans."""
    repeats: bool = False
    """The collector has no way to tell what it took: some may come twice."""
    says: Sequence[str] | None = None
    """What is logged before the exit: a regular expression for each line, which comes once, and no other line does.
    None: anything."""
    never_says: str | None = None
    """What must not be printed, a secret for example."""
    counted: bool = False
    """The log says exactly how many were lost."""
    official: bool = True
    """Runs with the official packages too."""
    stall: float = 0.0
    """Seconds for which a span may hold its thread up, where that is more than usual."""
    telling: bool = False
    """Stands in README's table, not only in the whole one."""


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
    """How many span ids came more than once."""
    traces: int
    """How many different traces were begun, by what came."""
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

    def __init__(
        self,
        case: Case,
        subject: Subject,
        folder: Path,
        collector: Counts | Mute | ClosedPort,
        beside: dict[str, str],
    ) -> None:
        self.case = case
        self.collector = collector if isinstance(collector, Counts) else None
        self.began: float | None = None
        self.made_elsewhere: int | None = None
        self._report = folder / "report.jsonl"
        self._output = folder / "output.txt"
        environ = {name: value for name, value in os.environ.items() if not re.search(NOT_OURS, name, re.I)}
        environ.update(
            OTEL_EXPORTER_OTLP_ENDPOINT=f"{case.scheme}://{case.host}:{collector.port}",
            OTEL_EXPORTER_OTLP_INSECURE="true",
            OTEL_SERVICE_NAME="faults",
            FAULTS_PROTOCOL=case.protocol,
            FAULTS_REPORT=str(self._report),
            PYTHONUNBUFFERED="1",
            PYTHONDONTWRITEBYTECODE="1",
        )
        self.python = subject.python
        commands = Path(subject.python).parent
        self._places = {
            "python": subject.python,
            "bin": str(commands),
            "home": str(commands.parent),
            "folder": str(folder),
        }
        environ.update((name, self._put(value)) for name, value in case.environ.items())
        environ.update(beside)
        self.environ = environ
        self.process = self._start(case.command)

    def _put(self, word: str) -> str:
        return word.format_map(self._places) if word.startswith("{") else word

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._output.open("ab") as output:
            return subprocess.Popen(
                [self.python, *map(self._put, command)],
                cwd=PROGRAMS,
                env=self.environ,
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
            received = collector.orders if self.case.metrics else len(collector.spans)
        total = sum(made.values()) if self.made_elsewhere is None else self.made_elsewhere
        return Outcome(
            made=total,
            received=received,
            stall=stall,
            exit=ended - (ended if began is None else began),
            status=status,
            repeated=collector.repeated if collector else 0,
            traces=len(collector.traces) if collector else 0,
            instances=len(collector.instances) if collector else 0,
            processes=sum(1 for count in made.values() if count),
            grown=grown,
            said=self.said,
        )


def run(case: Case, subject: Subject) -> Outcome:
    """Runs it, for as long as it may take at most."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        beside = stack.enter_context(case.beside()) if case.beside else {}
        collector = stack.enter_context(case.collector())
        running = Run(case, subject, folder, collector, beside)
        try:
            if case.drive is not None:
                case.drive(running)
            return running.outcome(case.patience)
        except BaseException:
            running.end()
            raise


#: Seconds for which a span may hold its thread up on a machine that does other things, too.
STALL = 0.05


def complaints(case: Case, outcome: Outcome, stall: float = STALL) -> Iterator[str]:
    """What is not as it is expected of ferrotel."""
    if outcome.made == 0:
        yield "nothing was made"
    if case.lost is not None and outcome.lost > case.lost:
        yield f"{outcome.lost} of {outcome.made} were lost, {case.lost} may be"
    if outcome.repeated and not case.repeats:
        yield f"{outcome.repeated} span ids came more than once"
    if case.metrics and outcome.received > outcome.made:
        yield f"the counter says {outcome.received}, not {outcome.made}"
    if outcome.traces and outcome.traces != outcome.received:
        yield f"{outcome.received} spans without a parent had {outcome.traces} trace ids"
    if case.status is not None and outcome.status != case.status:
        yield f"it ended with {outcome.status}, not {case.status}"
    if outcome.exit > case.seconds:
        yield f"its end took {outcome.exit:.2f} s, {case.seconds} s are allowed"
    if case.lost == 0 and outcome.instances < outcome.processes:
        yield f"{outcome.processes} processes shared {outcome.instances} service.instance.id"
    if outcome.stall > max(stall, case.stall):
        yield f"a span took {outcome.stall * 1e3:.1f} ms"
    yield from _wrong_words(case, outcome)
    if case.counted:
        told = sum(int(count) for count in re.findall(r"^(\d+) Span\(s\) were (?:dropped|lost)", outcome.said, re.M))
        if told != outcome.made - outcome.received:
            yield f"{outcome.made - outcome.received} were lost, and {told} told"
        if outcome.grown > 64 << 20:
            yield f"memory grew by {outcome.grown >> 20} MiB"
    for sign in ("Fatal Python error", "panicked at", "Segmentation fault"):
        if sign in outcome.said:
            yield f"it said: {sign}"


def _wrong_words(case: Case, outcome: Outcome) -> Iterator[str]:
    if case.never_says is not None and case.never_says in outcome.said:
        yield f"it said {case.never_says!r}"
    if case.says is None:
        return
    lines = outcome.said.splitlines()
    rest = [line for line in lines if "at shutdown" not in line and "Shutdown in progress" not in line]
    for words in case.says:
        found = [line for line in rest if re.search(words, line)]
        if len(found) != 1:
            yield f"{len(found)} lines say {words!r}"
        rest = [line for line in rest if line not in found]
    if rest:
        yield f"nobody expects: {rest}"
