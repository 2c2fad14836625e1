"""One hook for every object that has to be made ready in a forked child."""

from __future__ import annotations

import gc
import os
import sys
from types import SimpleNamespace

import pytest

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.util import _fork


class Told:
    def __init__(self) -> None:
        self.count = 0

    def tell(self) -> None:
        self.count += 1


def test_only_the_child_is_told() -> None:
    told = Told()
    _fork.call_after_fork(told.tell)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, str(told.count).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 8) == b"1" and told.count == 0


def test_what_one_raises_keeps_no_other_from_being_told(caplog: pytest.LogCaptureFixture) -> None:
    class Raises(Told):
        def tell(self) -> None:
            raise ValueError("not today")

    raises, told = Raises(), Told()
    _fork.call_after_fork(raises.tell)
    _fork.call_after_fork(told.tell)
    _fork._after_in_child()
    assert told.count == 1
    assert "not today" in caplog.text


def test_a_worker_of_uwsgi_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    uwsgi = SimpleNamespace(post_fork_hook=lambda: calls.append("the program's own"))
    monkeypatch.setitem(sys.modules, "uwsgi", uwsgi)
    told = Told()
    for _ in range(2):
        _fork.call_after_fork(told.tell)
    # Another process, of which Python has not heard.
    monkeypatch.setattr(_fork, "_ready", 0)
    uwsgi.post_fork_hook()
    assert (told.count, calls) == (2, ["the program's own"])
    uwsgi.post_fork_hook()
    assert told.count == 2


def test_nothing_is_kept_of_providers_that_are_gone() -> None:
    gc.collect()
    before = len(_fork._methods)
    for _ in range(10):
        TracerProvider(shutdown_on_exit=False)
    gc.collect()
    assert len(_fork._methods) == before
