"""A host name whose address changes, without a change to this machine's configuration."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from .running import NotHere

SOURCE = Path(__file__).resolve().parent / "programs" / "resolver.c"
#: Known to no resolver but this one (RFC 2606).
NAME = "collector.test"
FILE, LIBRARY = "FAULTS_ADDRESS", "LD_PRELOAD"


@contextmanager
def resolver() -> Iterator[dict[str, str]]:
    """The environment in which the C library finds the address of `NAME` in a file."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        library, address = Path(folder) / "resolver.so", Path(folder) / "address"
        command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
        try:
            built = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        except FileNotFoundError as error:
            raise NotHere("a C compiler (cc)") from error
        if built.returncode:
            raise NotHere(f"a C compiler that builds programs/resolver.c: {built.stdout}")
        address.write_text("127.0.0.1\n")
        yield {FILE: str(address), LIBRARY: str(library)}
