"""What the doctor found wrong, collected while it reports and told again at the end."""

from __future__ import annotations

from typing import TextIO


class Findings:
    """Problems make the doctor's exit code 1; notes do not."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []

    def problem(self, text: str) -> None:
        """Something that keeps telemetry from working as configured."""
        self.problems.append(text)

    def note(self, text: str) -> None:
        """Something that is worth a look and may be meant."""
        self.notes.append(text)

    def report(self, out: TextIO) -> None:
        for title, texts in (("Notes", self.notes), ("Problems", self.problems)):
            if texts:
                out.write(f"\n{title}\n")
                for text in texts:
                    out.write(f"  - {text}\n")
        if not self.problems:
            out.write("\nNo problem found.\n")
