"""How long a piece of work held its thread up, without the time for which the system had no processor for the program.

Linux counts for each thread how long it stood in a run queue, ready and without a processor (the second number of
`/proc/<pid>/task/<tid>/schedstat`). A thread that waits for the GIL waits, too, while the one that holds it stands
there. So a stall is the time that passed, less what this thread stood there, and less what the program's other Python
threads did while this one was blocked. Threads that a library started by itself, as an exporter does, excuse nothing.
"""

import os
import threading
import time

_files = {}
_process = os.getpid()


def _forget():
    """The files of a forked child are about its parent's threads. Not every server runs what `register_at_fork` got."""
    global _process
    _process = os.getpid()
    for file in _files.values():
        os.close(file)
    _files.clear()


def enlist():
    """Counts the calling thread among the program's."""
    if _process != os.getpid():
        _forget()
    try:
        _files[threading.get_ident()] = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
    except OSError:
        # Another system, or a kernel that does not count: all of the time is a stall then.
        pass


def _waited():
    """What this thread waited so far in run queues, and what the others did, in nanoseconds."""
    if _process != os.getpid():
        _forget()
    me = threading.get_ident()
    if _read(me) is None:
        enlist()
    return _read(me) or 0, sum(_read(thread) or 0 for thread in list(_files) if thread != me)


def _read(thread):
    file = _files.get(thread)
    if file is None:
        return None
    try:
        return int(os.pread(file, 64, 0).split()[1])
    except OSError:
        # That thread has ended; a new one may have its number.
        _files.pop(thread, None)
        os.close(file)
        return None


class Watch:
    """`with Watch() as watch: ...`, then `watch.stall()`, in seconds."""

    def __enter__(self):
        self._mine, self._others = _waited()
        self._cpu = time.thread_time_ns()
        self._start = time.perf_counter_ns()
        return self

    def __exit__(self, *_):
        self.taken = time.perf_counter_ns() - self._start

    def stall(self):
        """To be asked at once after the work, where `taken` is worth the asking."""
        cpu = time.thread_time_ns() - self._cpu
        mine, others = _waited()
        present = self.taken - (mine - self._mine)
        blocked = max(0, present - cpu)
        return max(0, present - min(blocked, max(0, others - self._others))) * 1e-9


enlist()
