"""A channel's description, with the makers' names and arguments of the package `grpc`."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence


class Channel(NamedTuple):
    """Where and how to connect. The connection itself is the engine's, made with the first batch."""

    target: str
    credentials: Any = None
    options: Sequence[tuple[str, Any]] = ()
    compression: Any = None

    def close(self) -> None:
        """Nothing is open here."""


def insecure_channel(target: str, options: Any = (), compression: Any = None) -> Channel:
    """A channel without TLS."""
    return Channel(target, None, options, compression)


def secure_channel(target: str, credentials: Any, options: Any = (), compression: Any = None) -> Channel:
    """A channel with TLS."""
    return Channel(target, credentials, options, compression)
