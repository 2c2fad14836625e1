"""Lines, and where they go."""

from __future__ import annotations

import os
import sys
from logging import Logger
from threading import RLock
from typing import IO


class LineWriter:
    """Appends lines to the file at `path`, or writes them to `stream`, or to standard output where neither is given.

    A stream is not closed. Raises ValueError when both are given, OSError when the file can't be opened.
    """

    def __init__(self, path: str | os.PathLike[str] | None, stream: IO[str] | None, logger: Logger) -> None:
        if path is not None and stream is not None:
            raise ValueError("give a path or a stream, not both")
        self._file = (
            None if path is None else os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        )
        # Found anew for each line: programs replace `sys.stdout`.
        self._stream = stream
        self._lock = RLock()
        self._logger = logger
        self._is_shut_down = False

    def write(self, line: bytes, what: str) -> bool:
        """Writes a line; what goes wrong is logged, and the answer is False."""
        if self._is_shut_down:
            self._logger.warning("The exporter is shut down, and %s are not written", what)
            return False
        try:
            with self._lock:
                if self._file is not None:
                    self._append(line + b"\n")
                else:
                    stream = self._stream if self._stream is not None else sys.stdout
                    stream.write(line.decode() + "\n")
                    stream.flush()
        except Exception as error:
            self._logger.error("%s can't be written: %s: %s", what.capitalize(), type(error).__name__, error)
            return False
        return True

    def _append(self, data: bytes) -> None:
        """At once, so that lines of several writers do not mix; the rest of a write that was cut short follows."""
        assert self._file is not None
        while data:
            data = data[os.write(self._file, data) :]

    def shut_down(self) -> None:
        """Closes the file. Once; then it is a mistake that is logged."""
        if self._is_shut_down:
            self._logger.warning("The exporter is shut down already")
            return
        self._is_shut_down = True
        with self._lock:
            if self._file is not None:
                os.close(self._file)
