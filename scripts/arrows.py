"""Checks that imports run one way. The tables here are the truth; ARCHITECTURE.md tells why.

1. Modules of the engine use only modules that stand before them; environment and wall clock each have one reader.
2. A crate depends only on the workspace crates listed for it, and only the binding knows Python.
3. In the overlay the API does not know the SDK, the SDK no exporter, and an instrumentation not even ferrotel.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent

#: Each module may use those before it.
ENGINE = ("common", "context", "baggage", "api", "propagation", "resource", "config", "sdk")

#: Everything else in the engine takes these from there, so that a test can give its own.
ONE_READER = {
    r"\benv::(var|var_os|vars|vars_os)\b": "config/source.rs",
    r"\bSystemTime::now\b": "common/clock.rs",
}

#: What a crate may depend on, of the workspace's crates and of those that decide what kind of crate it is.
CRATES = {
    "ferrotel": set(),
    "ferrotel-spool": {"ferrotel"},
    "ferrotel-otlp": {"ferrotel", "ferrotel-spool", "tokio", "hyper", "hyper-util", "rustls"},
    "ferrotel-view": {"tokio", "hyper", "hyper-util", "tonic"},
    "ferrotel-config": set(),
    "ferrotel-zipkin": {"ferrotel"},
    "ferrotel-models": set(),
    "ferrotel-python": {"ferrotel", "ferrotel-otlp", "ferrotel-view", "ferrotel-config", "ferrotel-zipkin", "pyo3"},
    "ferrotel-fuzz": {"ferrotel", "ferrotel-otlp", "ferrotel-view", "ferrotel-config"},
}
WATCHED = set().union(*CRATES.values()) | set(CRATES) | {"pyo3-ffi", "async-std", "smol", "ureq", "socket2"}

#: Prefixes of the overlay's modules, most particular first, and what they must not import.
OVERLAY = (
    (
        "opentelemetry.instrumentation",
        ("ferrotel", "opentelemetry.distro", "opentelemetry.sdk", "opentelemetry.exporter"),
    ),
    ("opentelemetry.util.http", ("ferrotel", "opentelemetry.distro", "opentelemetry.sdk", "opentelemetry.exporter")),
    # The one place that puts instrumentation and SDK together.
    ("opentelemetry.distro", ("ferrotel", "opentelemetry.exporter")),
    # Puts SDK and exporters together; instrumentations it finds by their entry points.
    ("opentelemetry.configuration", ("opentelemetry.instrumentation",)),
    ("opentelemetry.exporter", ("opentelemetry.instrumentation",)),
    ("opentelemetry.sdk", ("opentelemetry.exporter", "opentelemetry.instrumentation")),
    ("opentelemetry", ("opentelemetry.sdk", "opentelemetry.exporter", "opentelemetry.instrumentation")),
)


def main() -> int:
    complaints = [*_engine(), *_crates(), *_overlay()]
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


def _engine() -> Iterator[str]:
    source = ROOT / "crates/ferrotel/src"
    known = {path.stem for path in source.iterdir()} - {"lib"}
    for name in sorted(known ^ set(ENGINE)):
        yield f"{source.relative_to(ROOT)}: module {name} and the order in {Path(__file__).name} do not match"
    for path in sorted(source.rglob("*.rs")):
        module = path.relative_to(source).parts[0].replace(".rs", "")
        if module not in ENGINE:
            continue
        code = _without_comments(path.read_text())
        for pattern, reader in ONE_READER.items():
            if re.search(pattern, code) and path != source / reader:
                yield f"{path.relative_to(ROOT)}: only {reader} may use {pattern}"
        later = set(ENGINE[ENGINE.index(module) + 1 :])
        for line, used in _crate_uses(code):
            if used in later:
                yield f"{path.relative_to(ROOT)}:{line}: {module} uses {used}, which stands after it"


def _without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def _crate_uses(code: str) -> Iterator[tuple[int, str]]:
    """Line and first segment of every `crate::` path in code, one for each name of a braced list."""
    for match in re.finditer(r"\bcrate::(?:(\w+)|\{)", code):
        line = code.count("\n", 0, match.start()) + 1
        if match.group(1):
            yield line, match.group(1)
        else:
            for name in _first_segments(code[match.end() :]):
                yield line, name


def _first_segments(rest: str) -> Iterator[str]:
    depth = 0
    start = True
    for token in re.findall(r"\w+|[{},]", rest):
        if token == "{":
            depth += 1
        elif token == "}":
            depth -= 1
            if depth < 0:
                return
        elif token == ",":
            start = start or depth == 0
        elif depth == 0 and start:
            start = False
            yield token


def _crates() -> Iterator[str]:
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked", "--offline"]
    metadata = json.loads(subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, check=True).stdout)
    for package in metadata["packages"]:
        if package["name"] not in CRATES:
            yield f"crate {package['name']} is not in the table of {Path(__file__).name}"
            continue
        for dependency in package["dependencies"]:
            # Tests may stand on anything.
            if dependency["kind"] == "dev" or dependency["name"] not in WATCHED:
                continue
            if dependency["name"] not in CRATES[package["name"]]:
                yield f"crate {package['name']} must not depend on {dependency['name']}"


def _overlay() -> Iterator[str]:
    base = ROOT / "python/ferrotel/_overlay"
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        module = ".".join(parts[:-1] if is_package else parts)
        forbidden = next(names for prefix, names in OVERLAY if _within(module, prefix))
        for line, imported in _imports(ast.parse(path.read_text()), module, is_package):
            for name in forbidden:
                if _within(imported, name):
                    yield f"{path.relative_to(ROOT)}:{line}: {module} must not import {imported}"


def _imports(tree: ast.Module, module: str, is_package: bool) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: None if is_package else -1]
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"


def _within(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


if __name__ == "__main__":
    sys.exit(main())
