"""Regular packages of the overlay that leave room for what ferrotel does not have yet.

A regular package hides the whole folder of the same name further down ``sys.path``. Where the official distribution
there holds subpackages that ferrotel lacks, the package adds that folder to its ``__path__``.
"""

from __future__ import annotations

import os
import sys


def with_official(path: list[str], name: str) -> list[str]:
    """Returns the ``__path__`` of the package ``name`` with the folders of the same name elsewhere on ``sys.path``."""
    relative = os.path.join(*name.split("."))
    found = [os.path.join(entry, relative) for entry in sys.path if isinstance(entry, str)]
    return path + [folder for folder in found if folder not in path and os.path.isdir(folder)]
