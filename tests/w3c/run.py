"""Runs W3C's Trace Context harness, level 2, on the service beside this file.

    python run.py CHECKOUT [TEST...]

CHECKOUT is a checkout of https://github.com/w3c/trace-context. The harness needs aiohttp: where this Python has none,
an environment is made for it in build/w3c.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE.parent.parent / "build" / "w3c"


def main(arguments: list[str]) -> int:
    if not arguments or not arguments[0]:
        print("usage: make w3c W3C_TRACE_CONTEXT=<checkout of https://github.com/w3c/trace-context>", file=sys.stderr)
        return 2
    harness = Path(arguments[0]).resolve() / "test" / "test.py"
    if not harness.is_file():
        print(f"{harness} does not exist: is this a checkout of w3c/trace-context?", file=sys.stderr)
        return 2
    python = python_with_aiohttp()
    service_port, harness_port = free_port(), free_port()
    # An exporter that the environment may configure has no part in this.
    own = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    service = subprocess.Popen([sys.executable, str(HERE / "service.py"), str(service_port)], env=own)
    try:
        wait_for(service, service_port)
        levels = {"SPEC_LEVEL": "2", "STRICT_LEVEL": "2", "HARNESS_PORT": str(harness_port)}
        endpoint = f"http://127.0.0.1:{service_port}/test"
        command = [python, str(harness), endpoint, *arguments[1:]]
        return subprocess.run(command, cwd=harness.parent, env={**own, **levels}).returncode
    finally:
        service.terminate()
        service.wait(10)


def python_with_aiohttp() -> str:
    if importlib.util.find_spec("aiohttp"):
        return sys.executable
    python = ENVIRONMENT / ("Scripts" if os.name == "nt" else "bin") / "python"
    installed = python.exists() and subprocess.run([str(python), "-c", "import aiohttp"]).returncode == 0
    if not installed:
        print(f"installing aiohttp into {ENVIRONMENT}", flush=True)
        venv.create(ENVIRONMENT, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "aiohttp"], check=True)
    return str(python)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(service: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if service.poll() is not None:
            raise SystemExit(f"the service ended with status {service.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the service does not listen")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
