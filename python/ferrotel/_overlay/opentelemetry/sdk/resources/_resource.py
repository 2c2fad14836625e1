"""`Resource`: the attributes of the entity that produces the telemetry."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from ferrotel import _native
from ferrotel._late import TYPE_CHECKING, getLogger, late_types
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources._attribute_names import (
    SERVICE_NAME,
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
)

if TYPE_CHECKING:
    from typing import Any

    from opentelemetry.util.types import AnyValue

    LabelValue = AnyValue
    Attributes = Mapping[str, LabelValue]
else:
    __getattr__ = late_types(__name__, LabelValue="AnyValue", Attributes="Mapping[str, AnyValue]")

_OPENTELEMETRY_SDK_VERSION: str = _native.__version__

logger = getLogger("opentelemetry.sdk.resources")


class Resource:
    """Attributes and a schema URL that can't be changed afterwards.

    `attributes`: values of the types that attributes may have; others are dropped with a warning.
    `schema_url`: the schema that the attributes' names follow; None is the empty one.
    """

    # Its documented home, which pickles and representations name.
    __module__ = "opentelemetry.sdk.resources"

    _attributes: BoundedAttributes
    _schema_url: str

    def __init__(self, attributes: Attributes, schema_url: str | None = None) -> None:
        self._attributes = BoundedAttributes(attributes=attributes, immutable=True)
        self._schema_url = "" if schema_url is None else schema_url

    @staticmethod
    def create(attributes: Attributes | None = None, schema_url: str | None = None) -> Resource:
        """These attributes on top of those of the SDK, the environment and the configured detectors.

        Where nothing names the service it is called "unknown_service", with the name of the interpreter's executable.
        """
        from opentelemetry.sdk import resources

        detected = resources.get_aggregated_resources(resources._build_resource_detectors(), _DEFAULT_RESOURCE)
        resource = detected.merge(Resource(attributes or {}, schema_url))
        if resource.attributes.get(SERVICE_NAME):
            return resource
        service_name = "unknown_service"
        if sys.executable:
            service_name = f"{service_name}:{os.path.basename(sys.executable)}"
        return resource.merge(Resource({SERVICE_NAME: service_name}, schema_url))

    @staticmethod
    def get_empty() -> Resource:
        """The resource without attributes."""
        return _EMPTY_RESOURCE

    @property
    def attributes(self) -> Attributes:
        return self._attributes

    @property
    def schema_url(self) -> str:
        return self._schema_url

    def merge(self, other: Resource) -> Resource:
        """A new resource with both sides' attributes, where `other` wins (specification: Resource SDK, "Merge").

        Two different schema URLs can't be merged: that is logged as an error, and this resource is returned as it is.
        """
        urls = {url for url in (self.schema_url, other.schema_url) if url != ""}
        if len(urls) > 1:
            logger.error(
                "Failed to merge resources: The two schemas %s and %s are incompatible",
                self.schema_url,
                other.schema_url,
            )
            return self
        return Resource({**self.attributes, **other.attributes}, urls.pop() if urls else "")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return False
        return self._attributes == other._attributes and self._schema_url == other._schema_url

    def __hash__(self) -> int:
        return hash((_hashable(self._attributes), self._schema_url))

    def to_json(self, indent: int | None = 4) -> str:
        """A JSON object with `attributes` and `schema_url`; bytes are hexadecimal text."""
        import json

        return json.dumps(
            {"attributes": dict(self._attributes), "schema_url": self._schema_url},
            indent=indent,
            default=_not_in_json,
        )


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(_hashable(item) for item in value)
    return value


def _not_in_json(value: object) -> Any:
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


_EMPTY_RESOURCE = Resource({})

_DEFAULT_RESOURCE = Resource(
    {
        TELEMETRY_SDK_LANGUAGE: "python",
        # The specification keeps the name "opentelemetry" for the project's own SDK.
        TELEMETRY_SDK_NAME: "ferrotel",
        TELEMETRY_SDK_VERSION: _OPENTELEMETRY_SDK_VERSION,
    }
)
