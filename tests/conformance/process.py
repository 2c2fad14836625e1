"""One file of tests in processes of its own, with a time limit.

A crash or a hang costs the test in which it happens: the file is started again without the tests that are done.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

# Seconds without any event before a test counts as hung, and for exiting after the last test. One file makes four meter
# providers and has gevent replace their threads: at exit each waits 30 seconds for a reader, as the reference does.
TEST_LIMIT = 60.0
EXIT_LIMIT = 160.0
# Starts of one file that crashes or hangs.
STARTS = 20

PASSED, FAILED, SKIPPED, CRASHED, HUNG, MISSING = "passed", "failed", "skipped", "crashed", "hung", "missing"


@dataclasses.dataclass
class FileResult:
    """What running one file gave: outcomes and messages by test, and names that the file imports in vain."""

    outcomes: dict[str, str] = dataclasses.field(default_factory=dict)
    messages: dict[str, str] = dataclasses.field(default_factory=dict)
    missing_names: list[str] = dataclasses.field(default_factory=list)
    complaints: list[str] = dataclasses.field(default_factory=list)
    seconds: float = 0.0


def run_file(suite: Path, file: str, overlay: Path, python_path: list[Path], log_folder: Path) -> FileResult:
    """Run one file of a suite's copy on the interpreter that runs this."""
    result, began = FileResult(), time.monotonic()
    name = f"{suite.name}-{file.replace('/', '.')}"
    log = log_folder / f"{name}.jsonl"
    for start in range(STARTS):
        log.write_text("")
        with open(log_folder / f"{name}.{start}.txt", "w") as output:
            process = subprocess.Popen(
                [*(sys.executable, "-m", "pytest", file, "-q", "-p", "conformance.plugin", "-p", "no:cacheprovider")]
                + ["-c", str(suite / "empty.ini"), "--rootdir", str(suite)],
                cwd=str(suite),
                env=environment(log, result, overlay, python_path),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            ending = wait(process, log)
        running = take_events(log, result)
        if ending == PASSED or running is None:
            if ending != PASSED:
                result.complaints.append(f"{ending} outside of any test")
            break
        result.outcomes[running] = ending
        result.messages[running] = f"exit status {process.returncode}"
    result.seconds = time.monotonic() - began
    return result


def environment(log: Path, result: FileResult, overlay: Path, python_path: list[Path]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTEST_", "FERROTEL_"))}
    return {
        **kept,
        # The tests start commands of the environment by name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
        "PYTHONPATH": os.pathsep.join(map(str, python_path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "CONFORMANCE_LOG": str(log),
        "CONFORMANCE_DONE": json.dumps(list(result.outcomes)),
        "CONFORMANCE_OVERLAY": str(overlay),
    }


def wait(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait for the end of a test process. It is killed when no test ends for too long, or when it does not exit."""
    size, moved, ended = -1, time.monotonic(), False
    while process.poll() is None:
        time.sleep(0.05)
        if log.stat().st_size != size:
            size, moved, ended = log.stat().st_size, time.monotonic(), '{"end": true' in log.read_text()
        if time.monotonic() > moved + (EXIT_LIMIT if ended else TEST_LIMIT):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return HUNG
    ended = '{"end": true' in log.read_text()
    # pytest's own statuses: all passed, some failed, interrupted, nothing collected
    return PASSED if ended and process.returncode in (0, 1, 2, 5) else CRASHED


def take_events(log: Path, result: FileResult) -> str | None:
    """Add what the plugin wrote to the result; returns the test that did not come to its end, if any."""
    running: str | None = None
    for event in map(json.loads, log.read_text().splitlines()):
        if "start" in event:
            running = event["start"]
        elif "finish" in event:
            running = None
        elif "test" in event:
            test, outcome = event["test"], event["outcome"]
            before = result.outcomes.setdefault(test, PASSED)
            if outcome == FAILED or (outcome == SKIPPED and before == PASSED):
                result.outcomes[test] = outcome
                result.messages.setdefault(test, event["text"])
        elif "missing" in event:
            result.missing_names.append(event["missing"])
        elif "uncollected" in event:
            result.complaints.append(f"not collected: {event['text']}")
        elif event.get("stray"):
            result.complaints.append(f"modules from elsewhere than ferrotel: {', '.join(event['stray'])}")
    return running
