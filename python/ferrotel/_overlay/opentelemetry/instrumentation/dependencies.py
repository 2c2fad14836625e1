"""Is the library that an instrumentation is for installed, in a release that it knows?"""

from __future__ import annotations

from logging import Logger, getLogger
from typing import Any, Collection

from opentelemetry.instrumentation._requirement import InvalidRequirement, Requirement
from opentelemetry.util._importlib_metadata import Distribution, PackageNotFoundError, version

_logger = getLogger(__name__)


class DependencyConflict:
    """Why an instrumentation cannot be used here.

    Either one dependency, `required`, is absent or `found` in another release; or all of several, `required_any`,
    are, of which one would do, and `found_any` lists those that are there in other releases.
    """

    required: Any = None
    found: str | None = None
    required_any: Collection[Any] | None = None
    found_any: Collection[str] | None = None

    def __init__(
        self,
        required: Any = None,
        found: str | None = None,
        required_any: Collection[Any] | None = None,
        found_any: Collection[str] | None = None,
    ) -> None:
        self.required = required
        self.found = found
        self.required_any = required_any
        self.found_any = found_any

    @property
    def _is_version_conflict(self) -> bool:
        """Is the library there, in another release?"""
        return bool(self.found or self.found_any)

    def _log(self, logger: Logger, instrumentor_name: str) -> None:
        """An error when the release does not fit; only for debugging when the library is absent."""
        log = logger.error if self._is_version_conflict else logger.debug
        log(self._format_message(instrumentor_name))

    def _format_message(self, instrumentor_name: str | None = None) -> str:
        subject = instrumentor_name or "This instrumentation"
        end = "so nothing can be instrumented."
        if self.required:
            if self.found:
                there = f'but currently installed version ("{self.found}") falls outside of that range'
            else:
                there = "but no installed version was found"
            return f'{subject} only instruments "{self.required}", {there}, {end}'
        if self.required_any:
            wanted = _listed(self.required_any)
            if self.found_any:
                there = f'("{_listed(self.found_any)}") fall outside of that range'
                return f'{subject} instruments any of "{wanted}", but currently installed version(s) {there}, {end}'
            return f'{subject} requires any of "{wanted}", but none are installed, {end}'
        return f"{subject} has an unknown dependency conflict, {end}"

    def __str__(self) -> str:
        return self._format_message()


class DependencyConflictError(Exception):
    """Raised by `instrument(raise_exception_on_conflict=True)`."""

    conflict: DependencyConflict

    def __init__(self, conflict: DependencyConflict) -> None:
        super().__init__(conflict)
        self.conflict = conflict

    def __str__(self) -> str:
        return str(self.conflict)


def get_dist_dependency_conflicts(dist: Distribution) -> DependencyConflict | None:
    """What stands against using an instrumentation's distribution: its extras `instruments` and `instruments-any` say
    what it is for. None when nothing does."""
    if not _has_instruments(dist):
        return None
    wanted, wanted_any = [], []
    for text in dist.requires or ():
        if "extra" not in text or "instruments" not in text:
            continue
        requirement = Requirement(text)
        if requirement.applies("instruments"):
            wanted.append(requirement)
        if requirement.applies("instruments-any"):
            wanted_any.append(requirement)
    return get_dependency_conflicts(wanted, wanted_any)


def _has_instruments(dist: Distribution) -> bool:
    """Whether a distribution may have one of these extras: reading its metadata as a whole takes much longer."""
    text = getattr(dist, "read_text", lambda _: None)("METADATA")
    if not isinstance(text, str):
        return True
    # The description follows the first empty line.
    head = text.partition("\n\n")[0]
    return any(line.startswith("Requires-Dist:") and "instruments" in line for line in head.splitlines())


def get_dependency_conflicts(
    deps: Collection[Any], deps_any: Collection[Any] | None = None
) -> DependencyConflict | None:
    """The first of `deps` that is absent or in a release that does not fit, or else all of `deps_any` when none of
    them fits.

    A dependency is text as in a requirements file, or an object that has read such text, as the package `packaging`
    makes.
    """
    for dependency in deps:
        read = _read(dependency)
        if read is None:
            return DependencyConflict(dependency)
        fits, found = _look_up(read)
        if not fits:
            return DependencyConflict(dependency, found)
    return _get_dependency_conflicts_any(deps_any) if deps_any else None


def _get_dependency_conflicts_any(deps_any: Collection[Any]) -> DependencyConflict | None:
    required_any, found_any = [], []
    for dependency in deps_any:
        read = _read(dependency)
        if read is None:
            return DependencyConflict(dependency)
        fits, found = _look_up(read)
        if fits:
            return None
        required_any.append(str(dependency))
        if found is not None:
            found_any.append(found)
    return DependencyConflict(required_any=required_any, found_any=found_any) if required_any else None


def _read(dependency: Any) -> Any:
    if not isinstance(dependency, str):
        return dependency
    try:
        return Requirement(dependency)
    except InvalidRequirement as error:
        _logger.warning('error parsing dependency, reporting as a conflict: "%s" - %s', dependency, error)
        return None


def _look_up(requirement: Any) -> tuple[bool, str | None]:
    """Is it installed in a release that fits? And which one is installed?"""
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return False, None
    return bool(requirement.specifier.contains(installed)), f"{requirement.name} {installed}"


def _listed(dependencies: Collection[Any]) -> str:
    return ", ".join(map(str, dependencies))
