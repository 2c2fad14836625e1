"""What waits in the spool."""

from __future__ import annotations

import os
from typing import Mapping, TextIO

from ferrotel._doctor.findings import Findings


def report(environ: Mapping[str, str], findings: Findings, out: TextIO) -> None:
    """Write what waits for each destination; nothing where there is no spool."""
    root = environ.get("FERROTEL_SPOOL_DIR", "").strip()
    if not root:
        return
    out.write(f"\nSpool {root}\n")
    if not os.path.exists(root):
        out.write("  does not exist: it is made with the first batch that is not delivered\n")
        return
    try:
        destinations = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
        waiting = sum([_destination(root, name, findings, out) for name in destinations])
    except OSError as error:
        findings.problem(f"The spool {root} cannot be read: {error.strerror}.")
        return
    if not waiting:
        out.write("  nothing waits\n")
    if not os.access(root, os.W_OK | os.X_OK):
        findings.problem(f"The spool {root} may not be written to by this user.")


def _destination(root: str, name: str, findings: Findings, out: TextIO) -> int:
    """Writes one line; returns how many batches wait. A file's name is time-number-items-bytes."""
    batches = items = size = 0
    for file in os.listdir(os.path.join(root, name)):
        stem, end = os.path.splitext(file)
        parts = stem.split("-")
        if end not in (".batch", ".damaged") or len(parts) != 4 or not (parts[2].isdigit() and parts[3].isdigit()):
            continue
        if end == ".damaged":
            findings.note(f"A damaged batch is set aside: {os.path.join(root, name, file)}")
            continue
        batches += 1
        items += int(parts[2])
        size += int(parts[3])
    if batches:
        out.write(f"  {name}: {batches} batches with {items} items, {size} bytes\n")
    return batches
