"""What comes from `prometheus_client` where it is installed, and from here where it is not.

With it, ferrotel's metrics appear beside those of the program's own `prometheus_client` metrics, on whatever serves its
registry. Without it, a registry and an exposition of our own take the same calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.exporter.prometheus._exposition import choose_encoder, generate_latest
    from opentelemetry.exporter.prometheus._metric_families import (
        CounterMetricFamily,
        Exemplar,
        GaugeMetricFamily,
        HistogramMetricFamily,
        InfoMetricFamily,
        Metric,
    )
    from opentelemetry.exporter.prometheus._registry import REGISTRY, CollectorRegistry
else:
    try:
        from prometheus_client import generate_latest
        from prometheus_client.core import (
            REGISTRY,
            CollectorRegistry,
            CounterMetricFamily,
            Exemplar,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
            Metric,
        )
        from prometheus_client.exposition import choose_encoder
    except ImportError:
        from opentelemetry.exporter.prometheus._exposition import choose_encoder, generate_latest
        from opentelemetry.exporter.prometheus._metric_families import (
            CounterMetricFamily,
            Exemplar,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
            Metric,
        )
        from opentelemetry.exporter.prometheus._registry import REGISTRY, CollectorRegistry

__all__ = [
    "REGISTRY",
    "CollectorRegistry",
    "CounterMetricFamily",
    "Exemplar",
    "GaugeMetricFamily",
    "HistogramMetricFamily",
    "InfoMetricFamily",
    "Metric",
    "choose_encoder",
    "generate_latest",
]
