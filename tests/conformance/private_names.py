"""Which names of the reference are private, as tests see it."""

from __future__ import annotations

# Modules with an underscore that the reference documents, or that are constants of a package of their own.
DOCUMENTED = frozenset(
    {
        "opentelemetry._events",
        "opentelemetry._logs",
        "opentelemetry.exporter.otlp.proto.grpc._log_exporter",
        "opentelemetry.exporter.otlp.proto.http._log_exporter",
        "opentelemetry.sdk._events",
        "opentelemetry.sdk._logs",
        "opentelemetry.semconv._incubating",
    }
)

# What opentelemetry-test-utils holds that itself resets private globals.
PRIVATE_TEST_TOOLS = (
    "opentelemetry.test.asgitestutil",
    "opentelemetry.test.globals_test",
    "opentelemetry.test.test_base",
    "opentelemetry.test.wsgitestutil",
)


def is_hidden(name: str) -> bool:
    """Does the name start with an underscore, without being a special method's or the throw-away?"""
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name != "_"


def is_private(path: str) -> bool:
    """Is a dotted name under `opentelemetry` private?"""
    if not path.startswith("opentelemetry") or path.startswith("opentelemetry.test"):
        return False
    for known in DOCUMENTED:
        if path == known or path.startswith(known + "."):
            path = path[len(known) :]
            break
    return any(is_hidden(part) for part in path.split(".") if part)


def is_private_test_tool(path: str) -> bool:
    return any(path == tool or path.startswith(tool + ".") for tool in PRIVATE_TEST_TOOLS)
