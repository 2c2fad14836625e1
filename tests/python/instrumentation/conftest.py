"""The servers that instrumented libraries talk to, each on a port of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from pathlib import Path
from typing import Iterator, NamedTuple

import pytest

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RedisServer(NamedTuple):
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def unix_socket(self) -> str:
        return str(self.folder / "redis.sock")


def start_redis(folder: Path, *options: str) -> tuple[RedisServer, subprocess.Popen[bytes]]:
    """A Redis that keeps nothing on disk, and its process."""
    port = free_port()
    while port > 55535:
        # A cluster has a second port, 10,000 above.
        port = free_port()
    script = subprocess.run([str(ROOT / "scripts/redis.sh")], capture_output=True, text=True)
    if script.returncode:
        pytest.fail(script.stderr, pytrace=False)
    server, log = RedisServer(port, folder), folder / "log"
    command = [script.stdout.strip(), "--bind", "127.0.0.1", "--port", str(server.port), "--dir", str(folder)]
    command += ["--unixsocket", server.unix_socket, "--save", "", "--logfile", str(log), *options]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 20
    while not log.exists() or "eady to accept connections" not in log.read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(f"Redis did not start: {log.read_text() if log.exists() else 'no log'}", pytrace=False)
        time.sleep(0.02)
    return server, process


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the whole session: use keys of your own."""
    server, process = start_redis(tmp_path_factory.mktemp("redis"))
    try:
        yield server
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The one node of a cluster, which has no slots yet."""
    server, process = start_redis(tmp_path_factory.mktemp("cluster"), "--cluster-enabled", "yes")
    try:
        yield server
    finally:
        process.terminate()
        process.wait(20)
