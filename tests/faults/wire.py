"""As much of OTLP's protobuf as counting needs, so that the harness runs beside any SDK."""

from __future__ import annotations

import struct
from typing import Iterator, NamedTuple


class Received(NamedTuple):
    """What one request held."""

    spans: list[bytes]
    """The span ids."""
    traces: list[bytes]
    """The trace ids of the spans that have no parent."""
    instances: set[str]
    """The values of `service.instance.id`."""
    orders: list[tuple[str, float]]
    """The values of the counter `orders`, each with its `service.instance.id`."""
    log_records: int


def read(path: str, body: bytes) -> Received:
    """Reads an export request of the signal that `path` names."""
    received = Received([], [], set(), [], 0)
    log_records = 0
    for _, resource_item in _fields(body, 1):
        instance = ""
        for _, resource in _fields(resource_item, 1):
            instance = next(_instances(resource), "")
            received.instances.add(instance)
        for _, scope in _fields(resource_item, 2):
            for _, item in _fields(scope, 2):
                if path.endswith("traces"):
                    _read_span(item, received)
                elif path.endswith("metrics"):
                    received.orders.extend((instance, value) for value in _orders(item))
                else:
                    log_records += 1
    return received._replace(log_records=log_records)


def _read_span(span: bytes, received: Received) -> None:
    ids = dict(_fields(span, 1, 2, 4))
    received.spans.append(ids[2])
    if not ids.get(4):
        received.traces.append(ids[1])


def _instances(resource: bytes) -> Iterator[str]:
    for _, attribute in _fields(resource, 1):
        key = b"".join(text for _, text in _fields(attribute, 1))
        if key == b"service.instance.id":
            for _, value in _fields(attribute, 2):
                yield b"".join(text for _, text in _fields(value, 1)).decode()


def _orders(metric: bytes) -> Iterator[float]:
    if [name for _, name in _fields(metric, 1)] != [b"orders"]:
        return
    for _, data in _fields(metric, 7):
        for _, point in _fields(data, 1):
            for number, value in _fields(point, 4, 6):
                yield float(struct.unpack("<d" if number == 4 else "<q", value)[0])


def _fields(message: bytes, *wanted: int) -> Iterator[tuple[int, bytes]]:
    """The fields of these numbers that have a length or a fixed size."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, at = _varint(message, at)
            continue
        if kind == 2:
            size, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"no protobuf of OTLP: wire type {kind}")
        if number in wanted:
            yield number, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
