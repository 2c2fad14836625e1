"""The global error handler."""

from __future__ import annotations

from typing import Any

import pytest

from opentelemetry.sdk import error_handler
from opentelemetry.sdk.error_handler import ErrorHandler, GlobalErrorHandler


class Entry:
    def __init__(self, handler: Any) -> None:
        self.load = lambda: handler


def install(monkeypatch: pytest.MonkeyPatch, *handlers: Any) -> None:
    monkeypatch.setattr(error_handler, "entry_points", lambda **_: [Entry(handler) for handler in handlers])


class Heard(ErrorHandler, ZeroDivisionError):
    errors: list[Exception] = []

    def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        self.errors.append(error)


class Failing(ErrorHandler, ZeroDivisionError):
    def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        raise KeyError("in the handler")


def handled(error: Exception) -> None:
    with GlobalErrorHandler():
        raise error


def divide_by_zero() -> None:
    handled(ZeroDivisionError())


def test_there_is_one() -> None:
    assert GlobalErrorHandler() is GlobalErrorHandler()


def test_without_a_handler_the_error_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    divide_by_zero()
    (record,) = caplog.records
    assert record.name == "opentelemetry.sdk.error_handler"
    assert record.getMessage() == "Error handled by default error handler: "
    assert "ZeroDivisionError" in caplog.text


def test_every_handler_for_the_error_is_called(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Heard.errors.clear()
    install(monkeypatch, Heard, Failing, Heard)
    divide_by_zero()
    assert len(Heard.errors) == 2
    (record,) = caplog.records
    assert record.getMessage() == "KeyError error while handling error ZeroDivisionError by error handler Failing"


def test_handlers_for_other_errors_are_not_called(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Heard.errors.clear()
    install(monkeypatch, Heard)
    handled(AssertionError())
    assert not Heard.errors
    assert "Error handled by default error handler" in caplog.text


def test_the_wish_to_leave_is_no_error() -> None:
    for wish in (KeyboardInterrupt, SystemExit):
        with pytest.raises(wish), GlobalErrorHandler():
            raise wish
