"""Running resource detectors side by side, without letting a stuck one hold the program."""

from __future__ import annotations

import threading
from time import monotonic

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Sequence

    from opentelemetry.sdk.resources import Resource, ResourceDetector

# How long detectors that missed their time limit may still delay the caller, so that as a rule no thread outlives it.
_GRACE_SECONDS = 5.0


class DetectorRun:
    """One call of `detect()`, on a daemon thread of its own unless `inline`.

    `resource` and `error` are what came out of it, once `wait` has returned true.
    """

    def __init__(self, detector: ResourceDetector, *, inline: bool) -> None:
        self.detector = detector
        self.resource: Resource | None = None
        self.error: BaseException | None = None
        self._thread: threading.Thread | None = None
        if inline:
            self._run()
            return
        thread = threading.Thread(target=self._run_on_thread, name="OtelResourceDetector", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No thread to be had (interpreter shutdown, platform without threads): the caller does the work.
            self._run()
        else:
            self._thread = thread

    def wait(self, timeout: float | None) -> bool:
        """Waits up to `timeout` seconds; true when the detector has answered."""
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.resource = self.detector.detect()
        except Exception as error:
            self.error = error

    def _run_on_thread(self) -> None:
        try:
            self._run()
        except BaseException as error:
            # SystemExit and the like end a thread silently: the caller is told instead.
            self.error = error


def wait_for_all(runs: Sequence[DetectorRun]) -> None:
    """Lets late detectors finish, within the grace; after that they are left behind on their daemon threads."""
    deadline = monotonic() + _GRACE_SECONDS
    for run in runs:
        run.wait(max(0.0, deadline - monotonic()))
