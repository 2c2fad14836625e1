"""Fetches the reference's released suites from PyPI, and what they need that ferrotel does not hold."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from .classify import Classifier
from .soft_imports import soften

HERE = Path(__file__).parent
# Released source distributions, each with its tests; --no-deps keeps the official API and SDK out.
PINS = HERE / "suites.txt"
# Pure Python packages that the tests import beside ferrotel.
COMPANIONS = HERE / "companions.txt"


class Suites:
    """The unpacked suites under one folder. What is there for the same pins is not fetched again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sources = folder / "sources"
        self.companions = folder / "companions"

    def fetch(self) -> None:
        stamp = self.folder / "pins.sha256"
        pins = hashlib.sha256(PINS.read_bytes() + COMPANIONS.read_bytes()).hexdigest()
        if stamp.is_file() and stamp.read_text() == pins:
            return
        print("ferrotel: fetching the reference's suites from PyPI", file=sys.stderr)
        shutil.rmtree(self.folder, ignore_errors=True)
        archives = self.folder / "archives"
        archives.mkdir(parents=True)
        pip("download", "--dest", archives, "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "-r", PINS)
        pip("install", "--target", self.companions, "--no-deps", "-r", COMPANIONS)
        for archive in archives.glob("*.tar.gz"):
            with tarfile.open(archive) as opened:
                opened.extractall(self.sources)
        stamp.write_text(pins)

    def kinds(self) -> dict[str, dict[str, dict[str, str]]]:
        """`{suite: {file: {test: kind}}}`. Reading all sources takes seconds: kept until the suites or the rules
        change."""
        rules = b"".join((HERE / name).read_bytes() for name in ("classify.py", "private_names.py", "source_file.py"))
        kept = self.folder / f"kinds-{hashlib.sha256(rules).hexdigest()[:16]}.json"
        if not kept.is_file():
            classifier = Classifier(self.sources)
            found = {suite_name(path): classifier.kinds(path) for path in sorted(self.sources.iterdir())}
            kept.write_text(json.dumps(found, indent=1))
        return json.loads(kept.read_text())

    def copy(self, folder: Path) -> None:
        """Copy the tests alone, so that the reference's own sources cannot be imported; their imports are made soft."""
        for source in self.sources.iterdir():
            suite = folder / suite_name(source)
            shutil.copytree(source / "tests", suite / "tests")
            (suite / "empty.ini").write_text("[pytest]\n")
            for path in suite.glob("tests/**/*.py"):
                if path.name != "conftest.py" and path.parent.name != "scripts":
                    path.write_text(soften(path.read_text()))


def suite_name(source: Path) -> str:
    """`opentelemetry_sdk-1.45.1` -> `sdk`"""
    return source.name.rpartition("-")[0][len("opentelemetry_") :]


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=sys.stderr)
