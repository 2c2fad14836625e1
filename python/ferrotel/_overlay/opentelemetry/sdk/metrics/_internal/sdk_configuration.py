"""What all parts of one meter provider know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Sequence

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics._internal.exemplar import ExemplarFilter
    from opentelemetry.sdk.metrics._internal.view import View
    from opentelemetry.sdk.resources import Resource


@dataclass
class SdkConfiguration:
    """The provider's settings."""

    exemplar_filter: ExemplarFilter
    resource: Resource
    views: Sequence[View]
    cardinality_limit: int | None = None
