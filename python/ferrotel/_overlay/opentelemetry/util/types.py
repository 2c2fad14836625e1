"""Types of attribute values, as the logs data model's `Any` and the specification's "common attributes" have them."""

from typing import Mapping, Optional, Sequence, Tuple, Union

AnyValue = Union[str, bool, int, float, bytes, Sequence["AnyValue"], Mapping[str, "AnyValue"], None]
"""What an attribute may hold, nested as deep as wanted."""

AttributeValue = AnyValue

Attributes = Optional[Mapping[str, AnyValue]]

_ExtendedAttributes = Mapping[str, AnyValue]
"""Kept for packages written when nested values were an extension of their own."""

_Scalar = Union[
    str,
    bool,
    int,
    float,
    Tuple[Optional[str], ...],
    Tuple[Optional[bool], ...],
    Tuple[Optional[int], ...],
    Tuple[Optional[float], ...],
]

AttributesAsKey = Tuple[Tuple[str, _Scalar], ...]
"""Attributes in a hashable shape. Nothing here uses it any more; it stays for those who import it."""
