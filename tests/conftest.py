"""What holds for every Python test: it runs on ferrotel, and nothing in the machine's environment configures it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

import ferrotel
import opentelemetry.trace

# A shell's background jobs ignore SIGINT, and so would the programs that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no reason for a property test to fail.
hypothesis.settings.register_profile("ferrotel", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("ferrotel")

for _name in [name for name in os.environ if name.startswith(("OTEL_", "FERROTEL_DISABLED"))]:
    del os.environ[_name]


def pytest_configure(config: pytest.Config) -> None:
    found = Path(opentelemetry.trace.__file__)
    if Path(ferrotel.__file__).parent not in found.parents:
        raise pytest.UsageError(f"opentelemetry.trace comes from {found}: these tests would not test ferrotel")


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of test vectors that the Rust tests read too."""
    return Path(__file__).parent / "vectors"
