"""Collections of metrics in parts, for collectors that take no large requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator

from opentelemetry.sdk.metrics.export import MetricsData


def count_data_points(metrics_data: Any) -> int:
    """How many data points a collection holds; what is none holds none."""
    return sum(
        len(getattr(getattr(metric, "data", None), "data_points", ()))
        for of_resource in getattr(metrics_data, "resource_metrics", ())
        for of_scope in getattr(of_resource, "scope_metrics", ())
        for metric in getattr(of_scope, "metrics", ())
    )


def split_metrics_data(metrics_data: MetricsData, max_export_batch_size: int) -> Iterator[MetricsData]:
    """The collection in parts of at most so many data points, in its order; nothing without a point is in a part."""
    most = max(max_export_batch_size, 1)
    part: MetricsData | None = None
    room = 0
    for of_resource in metrics_data.resource_metrics:
        # A resource, a scope and a metric are opened in a part with their first point there.
        scopes: list[Any] | None = None
        for of_scope in of_resource.scope_metrics:
            metrics: list[Any] | None = None
            for metric in of_scope.metrics:
                data: Any = metric.data
                points = data.data_points
                start = 0
                while start < len(points):
                    if part is None:
                        part, room, scopes, metrics = MetricsData(resource_metrics=[]), most, None, None
                    if scopes is None:
                        scopes, metrics = [], None
                        part.resource_metrics.append(replace(of_resource, scope_metrics=scopes))  # type: ignore[attr-defined]
                    if metrics is None:
                        metrics = []
                        scopes.append(replace(of_scope, metrics=metrics))
                    piece = points[start : start + room]
                    metrics.append(replace(metric, data=replace(data, data_points=piece)))
                    start += len(piece)
                    room -= len(piece)
                    if room == 0:
                        yield part
                        part = None
    if part is not None:
        yield part
