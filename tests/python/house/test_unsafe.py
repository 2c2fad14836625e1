"""scripts/unsafe.py: the page lists every file, and says why."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_page_and_the_sources_agree(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "docs").mkdir()
    source = tmp_path / "crates/a/src/b.rs"
    source.parent.mkdir(parents=True)
    script = tmp_path / "scripts/unsafe.py"
    script.write_text((ROOT / "scripts/unsafe.py").read_text())
    page = tmp_path / "docs/unsafe.md"
    for code, row, told in (
        ("unsafe { x() }", "| `crates/a/src/b.rs` | a reason |", ""),
        ('// unsafe\nlet a = "unsafe \\" unsafe";', "", ""),
        ("unsafe impl Sync for A {}", "", "b.rs has `unsafe`"),
        ("unsafe fn x() {}", "| `crates/a/src/b.rs` |  |", "b.rs has `unsafe`"),
        ("fn x() {}", "| `crates/a/src/b.rs` | a reason |", "b.rs, which has no `unsafe`"),
    ):
        source.write_text(code)
        page.write_text(f"| File | Why |\n|---|---|\n{row}\n")
        done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
        assert (done.returncode, bool(re.search(re.escape(told), done.stderr))) == (1 if told else 0, True), (code, row)
        assert told or not done.stderr
