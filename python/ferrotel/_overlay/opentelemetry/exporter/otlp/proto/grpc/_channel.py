"""A channel's description, with the makers' names and arguments of the package `grpc`."""

from __future__ import annotations

from ferrotel._late import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Sequence


class Channel:
    """Where and how to connect. The connection itself is the engine's, made with the first batch."""

    def __init__(
        self,
        target: str,
        credentials: Any = None,
        options: Sequence[tuple[str, Any]] = (),
        compression: Any = None,
    ) -> None:
        self.target = target
        self.credentials = credentials
        self.options = options
        self.compression = compression

    def close(self) -> None:
        """Nothing is open here."""


def insecure_channel(target: str, options: Any = (), compression: Any = None) -> Channel:
    """A channel without TLS."""
    return Channel(target, None, options, compression)


def secure_channel(target: str, credentials: Any, options: Any = (), compression: Any = None) -> Channel:
    """A channel with TLS."""
    return Channel(target, credentials, options, compression)
