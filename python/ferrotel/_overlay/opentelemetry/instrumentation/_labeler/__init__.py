"""Attributes that an application adds to the metrics of the request that it is serving.

    from opentelemetry.instrumentation._labeler import get_labeler

    get_labeler().add("tenant", tenant)

Instrumentations that know this add them to what they record; a value that they set themselves stands.
"""

from opentelemetry.instrumentation._labeler._internal import (
    Labeler,
    clear_labeler,
    enrich_metric_attributes,
    get_labeler,
    get_labeler_attributes,
    set_labeler,
)

__all__ = [
    "Labeler",
    "clear_labeler",
    "enrich_metric_attributes",
    "get_labeler",
    "get_labeler_attributes",
    "set_labeler",
]
