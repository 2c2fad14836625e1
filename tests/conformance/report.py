"""What a run gave, beside what was expected of it."""

from __future__ import annotations

import collections
import dataclasses

from .classify import BLOCKED, INTERNAL, PUBLIC
from .process import MISSING, PASSED, SKIPPED, FileResult

KINDS = (PUBLIC, BLOCKED, INTERNAL)


@dataclasses.dataclass
class Test:
    suite: str
    kind: str
    outcome: str
    message: str = ""


class Report:
    """All tests of a run, each by `suite/tests/file.py::Class::test`."""

    def __init__(self, kinds: dict[str, dict[str, dict[str, str]]], results: dict[tuple[str, str], FileResult]) -> None:
        self.tests: dict[str, Test] = {}
        self.results = results
        for (suite, file), result in results.items():
            known = kinds[suite][file]
            ran = set()
            for test, outcome in result.outcomes.items():
                function = test.partition("::")[2].split("[")[0]
                ran.add(function)
                kind = known.get(function, INTERNAL)
                self.tests[f"{suite}/{test}"] = Test(suite, kind, outcome, result.messages.get(test, ""))
            for function in set(known) - ran:
                self.tests[f"{suite}/{file}::{function}"] = Test(suite, known[function], MISSING)

    def passed(self) -> set[str]:
        return {name for name, test in self.tests.items() if test.outcome == PASSED}

    def not_passed(self, kinds: tuple[str, ...] = KINDS) -> list[str]:
        """The tests of these kinds that ran and did not pass, or should have run and did not."""
        return [n for n, t in self.tests.items() if t.kind in kinds and t.outcome not in (PASSED, SKIPPED)]

    def table(self, differences: dict[str, str]) -> str:
        lines = [f"{'':28}{PUBLIC:>12}{BLOCKED:>12}{INTERNAL:>12}{'differences':>13}{'skipped':>9}{'seconds':>9}"]
        suites = sorted({suite for suite, _ in self.results})
        for name, chosen in [*((suite, [suite]) for suite in suites), ("all", suites)]:
            tests = {n: t for n, t in self.tests.items() if t.suite in chosen}
            row = f"{name:28}"
            for kind in KINDS:
                counted = [
                    t for n, t in tests.items() if t.kind == kind and t.outcome != SKIPPED and n not in differences
                ]
                row += f"{sum(t.outcome == PASSED for t in counted):>7}/{len(counted):<4}"
            count = collections.Counter(t.outcome for t in tests.values())
            seconds = sum(result.seconds for (suite, _), result in self.results.items() if suite in chosen)
            lines.append(f"{row}{len(differences.keys() & tests.keys()):13}{count[SKIPPED]:9}{seconds:9.1f}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        return {
            "tests": {name: dataclasses.asdict(test) for name, test in sorted(self.tests.items())},
            "missing names": sorted({name for result in self.results.values() for name in result.missing_names}),
            "complaints": {f"{s}/{f}": r.complaints for (s, f), r in self.results.items() if r.complaints},
        }
