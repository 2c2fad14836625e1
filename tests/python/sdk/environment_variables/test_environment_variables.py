"""Names of the variables, switches, and OTEL_LOG_LEVEL."""

from __future__ import annotations

import logging
from typing import Iterator

import pytest

from opentelemetry.sdk import environment_variables
from opentelemetry.sdk.environment_variables import _log_level
from opentelemetry.sdk.environment_variables._internal import parse_boolean_environment_variable
from opentelemetry.sdk.trace import TracerProvider


def test_every_name_is_its_own_value() -> None:
    names = {name: value for name, value in vars(environment_variables).items() if "OTEL_" in name}
    assert len(names) >= 85
    assert all(name.lstrip("_") == value for name, value in names.items())


@pytest.mark.parametrize(
    ("text", "default", "expected", "warns"),
    [
        (None, True, True, False),
        (None, False, False, False),
        (" TRUE ", False, True, False),
        ("false", True, False, False),
        ("yes", True, True, True),
        ("", False, False, True),
    ],
)
def test_switches(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    text: str | None,
    default: bool,
    expected: bool,
    warns: bool,
) -> None:
    monkeypatch.delenv("A_SWITCH", raising=False)
    if text is not None:
        monkeypatch.setenv("A_SWITCH", text)
    assert parse_boolean_environment_variable("A_SWITCH", default) is expected
    wanted = [f"Invalid value for A_SWITCH: {text!r}. Expected 'true' or 'false'."] if warns else []
    assert [record.getMessage() for record in caplog.records] == wanted


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("opentelemetry")
    before = logger.level
    logger.setLevel(logging.NOTSET)
    _log_level._applied = None
    yield logger
    logger.setLevel(before)
    _log_level._applied = None


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("debug", logging.DEBUG),
        (" Info ", logging.INFO),
        ("WARN", logging.WARNING),
        ("error", logging.ERROR),
        ("all", logging.DEBUG),
        ("none", logging.CRITICAL + 1),
        ("", logging.NOTSET),
    ],
)
def test_log_level(monkeypatch: pytest.MonkeyPatch, logger: logging.Logger, word: str, level: int) -> None:
    monkeypatch.setenv("OTEL_LOG_LEVEL", word)
    _log_level.apply_log_level()
    assert logger.level == level


def test_log_level_none_silences_even_critical_messages(
    monkeypatch: pytest.MonkeyPatch, logger: logging.Logger
) -> None:
    monkeypatch.setenv("OTEL_LOG_LEVEL", "none")
    _log_level.apply_log_level()
    assert not logging.getLogger("opentelemetry.sdk.trace").isEnabledFor(logging.CRITICAL)


def test_the_program_s_own_level_stays(monkeypatch: pytest.MonkeyPatch, logger: logging.Logger) -> None:
    logger.setLevel(logging.ERROR)
    monkeypatch.setenv("OTEL_LOG_LEVEL", "debug")
    _log_level.apply_log_level()
    assert logger.level == logging.ERROR


def test_an_unknown_level_is_reported_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, logger: logging.Logger
) -> None:
    monkeypatch.setenv("OTEL_LOG_LEVEL", "loud")
    _log_level.apply_log_level()
    _log_level.apply_log_level()
    assert logger.level == logging.NOTSET
    (record,) = caplog.records
    assert record.getMessage().startswith("Invalid value for OTEL_LOG_LEVEL: 'loud'.")


def test_a_provider_applies_the_level(monkeypatch: pytest.MonkeyPatch, logger: logging.Logger) -> None:
    monkeypatch.setenv("OTEL_LOG_LEVEL", "error")
    TracerProvider(shutdown_on_exit=False)
    assert logger.level == logging.ERROR
