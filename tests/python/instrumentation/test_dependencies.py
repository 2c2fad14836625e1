"""Which libraries an instrumentation is for, and whether they are here."""

from __future__ import annotations

from importlib.metadata import Distribution
from typing import Any

import packaging.markers
import packaging.requirements
import pytest

from opentelemetry.instrumentation._requirement import InvalidRequirement, Requirement
from opentelemetry.instrumentation.dependencies import get_dependency_conflicts, get_dist_dependency_conflicts


class Installed(Distribution):
    """An instrumentation with these dependencies."""

    def __init__(self, *requires: str) -> None:
        self._requires = list(requires)

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError

    def read_text(self, filename: str) -> None:
        return None

    @property
    def requires(self) -> Any:
        return self._requires


TEXTS = [
    'test-pkg ~= 1.0; extra == "instruments"',
    "a>=1,<2",
    "a >= 2.7.3.1",
    "a[x,y] (>=1)",
    "a>=1,<2,!=1.5",
    'httpx >= 0.18.0 ; python_version<"4" and extra == "instruments"',
    "a @ https://x",
    "A_b<2",
    "a; (os_name=='posix' or python_version<'3') and extra=='instruments-any'",
    'a; sys_platform in "linux darwin" and "x" not in platform_machine',
    'a; platform_python_implementation != "PyPy"',
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_requirement_reads_and_applies_as_with_packaging(text: str) -> None:
    official, ours = packaging.requirements.Requirement(text), Requirement(text)
    assert (ours.name, set(ours.extras), ours.url) == (official.name, official.extras, official.url)
    assert str(ours) == str(official)
    for extra in ("", "instruments", "instruments-any", "Instruments_Any"):
        expected = official.marker is None or official.marker.evaluate({"extra": extra})
        assert ours.applies(extra) == expected


@pytest.mark.parametrize(
    "text", ["", "a b", "a>=", 'a; foo=="1"', 'a; extra=="x" and', 'a; (extra=="x"', "-a", "a; os_name ~= 'x'"]
)
def test_what_is_no_requirement(text: str) -> None:
    with pytest.raises((packaging.requirements.InvalidRequirement, packaging.markers.UndefinedComparison)):
        packaging.requirements.Requirement(text).marker.evaluate()  # type: ignore[union-attr]
    with pytest.raises(InvalidRequirement):
        Requirement(text)


def test_installed_in_a_release_that_fits() -> None:
    assert get_dependency_conflicts(["pytest >= 1", packaging.requirements.Requirement("pytest")]) is None


def test_installed_in_another_release() -> None:
    conflict = get_dependency_conflicts(["pytest >= 5000"])
    assert conflict is not None
    assert conflict._is_version_conflict
    assert str(conflict) == (
        'This instrumentation only instruments "pytest >= 5000", but currently installed version '
        f'("pytest {pytest.__version__}") falls outside of that range, so nothing can be instrumented.'
    )


def test_text_that_is_no_dependency_is_a_conflict(caplog: pytest.LogCaptureFixture) -> None:
    conflict = get_dependency_conflicts(["!"])
    assert conflict is not None
    assert conflict.required == "!"
    assert caplog.messages[0].startswith('error parsing dependency, reporting as a conflict: "!"')


def test_only_the_extras_count() -> None:
    assert get_dist_dependency_conflicts(Installed("absent-package", 'absent-package; extra == "test"')) is None
    conflict = get_dist_dependency_conflicts(Installed('absent-package ~= 1.0; extra == "instruments"'))
    assert str(conflict) == (
        'This instrumentation only instruments "absent-package~=1.0; extra == "instruments"", '
        "but no installed version was found, so nothing can be instrumented."
    )


def test_one_of_several_will_do() -> None:
    absent = 'absent-package; extra == "instruments-any"'
    assert get_dist_dependency_conflicts(Installed(absent, 'pytest; extra == "instruments-any"')) is None
    conflict = get_dist_dependency_conflicts(Installed(absent, 'pytest > 5000; extra == "instruments-any"'))
    assert conflict is not None
    assert conflict.found_any == [f"pytest {pytest.__version__}"]
    assert conflict.required_any == [absent, 'pytest>5000; extra == "instruments-any"']
