"""Where in the network a process is."""

from __future__ import annotations

import ipaddress
from typing import Any, Optional, Union

from opentelemetry import trace
from opentelemetry.sdk.resources import SERVICE_NAME, Resource

IpInput = Optional[Union[str, int]]


class NodeEndpoint:
    """The addresses and the port of a process, and the name of its service: the global tracer provider's.

    Addresses are text or numbers. Raises ValueError for what is no address of its version.
    """

    def __init__(self, ipv4: IpInput = None, ipv6: IpInput = None, port: int | None = None) -> None:
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self.port = port
        resource = getattr(trace.get_tracer_provider(), "resource", None) or Resource.create()
        self.service_name = str(resource.attributes[SERVICE_NAME])

    @property
    def ipv4(self) -> ipaddress.IPv4Address | None:
        return self._ipv4

    @ipv4.setter
    def ipv4(self, address: IpInput) -> None:
        self._ipv4 = None if address is None else _address(address, ipaddress.IPv4Address)

    @property
    def ipv6(self) -> ipaddress.IPv6Address | None:
        return self._ipv6

    @ipv6.setter
    def ipv6(self, address: IpInput) -> None:
        self._ipv6 = None if address is None else _address(address, ipaddress.IPv6Address)


def _address(address: str | int, version: type) -> Any:
    found = ipaddress.ip_address(address)
    if not isinstance(found, version):
        raise ValueError(f"{address!r} is no {version.__name__}")
    return found
