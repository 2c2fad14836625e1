"""The two text formats in which a page is written, and the choice between them.

- Prometheus text format 0.0.4
- OpenMetrics 1.0.0, which has exemplars and info metrics
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Callable, Iterator, Protocol

if TYPE_CHECKING:
    from typing import Iterable

    from opentelemetry.exporter.prometheus._metric_families import Exemplar, Metric, Sample

    class Collecting(Protocol):
        def collect(self) -> Iterable[Metric]: ...

    Encoder = Callable[[Collecting], bytes]

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

_TEXT_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def choose_encoder(accept: str | None) -> tuple[Encoder, str]:
    """The encoder for an `Accept` header, and its content type. Without one, or when nothing fits: text 0.0.4.

    Specification: `metrics/sdk_exporters/prometheus.md`, "Content Negotiation".
    """
    best: tuple[float, Encoder, str] = (0.0, generate_latest, TEXT)
    for media_type, parameters in _accepted(accept or ""):
        version = parameters.get("version")
        quality = _quality(parameters.get("q", "1"))
        if quality <= best[0]:
            continue
        if media_type == "application/openmetrics-text" and version in (None, "1.0.0"):
            best = quality, generate_openmetrics, OPENMETRICS
        elif media_type == "text/plain" and version in (None, "0.0.4", "1.0.0"):
            best = quality, generate_latest, TEXT
    return best[1], best[2]


def generate_latest(registry: Collecting) -> bytes:
    """The page in the Prometheus text format 0.0.4, without exemplars: it has none."""
    lines: list[str] = []
    for family in registry.collect():
        name, kind = family.name, family.type
        if kind == "counter":
            name += "_total"
        elif kind == "info":
            name, kind = name + "_info", "gauge"
        lines.append(f"# HELP {name} {family.documentation.translate(_TEXT_ESCAPES)}\n# TYPE {name} {kind}\n")
        lines.extend(_sample(sample) + "\n" for sample in family.samples)
    return _encoded(lines)


def generate_openmetrics(registry: Collecting) -> bytes:
    """The page in OpenMetrics 1.0.0, with exemplars."""
    lines: list[str] = []
    for family in registry.collect():
        name = family.name
        lines.append(f"# HELP {name} {family.documentation.translate(_LABEL_ESCAPES)}\n# TYPE {name} {family.type}\n")
        if family.unit:
            lines.append(f"# UNIT {name} {family.unit}\n")
        lines.extend(
            f"{_sample(sample)}{_exemplar(sample.exemplar) if sample.exemplar else ''}\n" for sample in family.samples
        )
    lines.append("# EOF\n")
    return _encoded(lines)


def _sample(sample: Sample) -> str:
    return f"{sample.name}{_labels(sample.labels) if sample.labels else ''} {_number(sample.value)}"


def _exemplar(exemplar: Exemplar) -> str:
    time = "" if exemplar.timestamp is None else f" {exemplar.timestamp}"
    return f" # {_labels(exemplar.labels)} {_number(exemplar.value)}{time}"


def _labels(labels: dict[str, str]) -> str:
    return "{" + ",".join([f'{name}="{labels[name].translate(_LABEL_ESCAPES)}"' for name in sorted(labels)]) + "}"


def _number(value: float) -> str:
    """A number as `prometheus_client` writes it: always a float, with an exponent from a million on."""
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    whole, point, fraction = text.partition(".")
    if value > 0 and point and len(whole) > 6:
        digits = f"{whole[0]}.{whole[1:]}{fraction}".rstrip("0.")
        return f"{digits}e+{len(whole) - 1:02d}"
    return text


def _encoded(lines: list[str]) -> bytes:
    # A lone surrogate in one description must not cost the page.
    return "".join(lines).encode("utf-8", "replace")


def _accepted(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for part in header.split(","):
        media_type, *rest = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in rest)
        yield media_type.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
