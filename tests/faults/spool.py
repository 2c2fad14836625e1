"""A collector that is away, and a spool on the disk: what one program does not deliver, the next one does."""

from __future__ import annotations

import signal

from .bad_collectors import restarts
from .collector import Away, Collector, Mute
from .running import Case, Run

SPOOL = {"FERROTEL_SPOOL_DIR": "{folder}/spool"}


def _back(run: Run) -> None:
    """The collector comes back when the program has ended, and another program runs."""
    run.process.wait(30)
    assert isinstance(run.collector, Away)
    run.collector.start()
    run.next("ending.py", "normal")


def _sigterm(run: Run) -> None:
    run.wait_until_ready()
    run.kill(signal.SIGTERM)
    _back(run)
    run.began = None


def _wait_until_ready(run: Run, times: int) -> None:
    run.wait_for(lambda: sum("ready" in line for line in run.lines()) == times)


def _kill_9(run: Run) -> None:
    """Five programs, each of which is killed when it has flushed."""
    for count in range(5):
        if count:
            run.next("ending.py", "kept")
        _wait_until_ready(run, count + 1)
        run.kill(signal.SIGKILL)
    _back(run)
    run.began = None


def _spooled(name: str, *command: str, **more: object) -> Case:
    more.setdefault("collector", Away)
    more.setdefault("drive", _back)
    more.setdefault("environ", SPOOL)
    return Case("spool", name, command, official=False, **more)  # type: ignore[arg-type]


def _exits(name: str, collector: object) -> Case:
    return _spooled(name, "ending.py", "everything", collector=collector, drive=None, lost=None, seconds=3)


CASES = [
    _spooled("away, the program ends, the next one delivers", "ending.py", "normal"),
    _spooled("the same, SIGTERM without a handler", "ending.py", "waits", drive=_sigterm),
    _spooled("away, five programs are killed with SIGKILL after a flush", "ending.py", "kept", drive=_kill_9),
    _spooled("away, 8 forked children end, the next program delivers", "ending.py", "children", "fork"),
    _spooled(
        "restarts, 4,000 spans a second, queue of 2,048",
        "steady.py",
        "steady",
        "5",
        "4000",
        collector=Collector,
        drive=restarts,
        # A batch that was taken in the moment of the end, without an answer.
        repeats=True,
    ),
    _exits("three signals, refused", Away),
    _exits("three signals, black hole", Mute),
]
