"""In a sub-interpreter the native module refuses to load, and says what to do."""

from __future__ import annotations

import pytest

from .conftest import Environment

pytestmark = pytest.mark.slow

CREATE_AND_RUN = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
MAIN
other = interpreters.create()
outcome = interpreters.run_string(other, '''
try:
    import opentelemetry.trace
except ImportError as error:
    print(error)
''')
print(outcome)
"""


@pytest.mark.parametrize("main", ["", "import opentelemetry.trace"], ids=["not-in-main", "after-main"])
def test_import_fails_clearly(alone: Environment, main: str) -> None:
    told = alone.output(CREATE_AND_RUN.replace("MAIN", main))
    assert told.startswith("ferrotel's native module cannot be loaded in this interpreter: ")
    assert "FERROTEL_DISABLED=1" in told
    assert told.endswith("None")
