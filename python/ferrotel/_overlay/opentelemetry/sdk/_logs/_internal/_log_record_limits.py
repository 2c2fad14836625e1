"""How much a log record may hold."""

from __future__ import annotations

from os import environ

from ferrotel._compat import deprecated
from opentelemetry.sdk.environment_variables import (
    OTEL_ATTRIBUTE_COUNT_LIMIT,
    OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT,
    OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT,
    OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT,
)

_DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT = 128


class LogRecordLimits:
    """Limits of a log record's attributes (specification: logs SDK, log record limits).

    Every argument is a non-negative integer, ``None`` (read the environment, else take the default) or
    ``LogRecordLimits.UNSET`` (no limit). An environment variable that is set and empty means no limit.

    Args:
        max_attributes: Where nothing below says otherwise; OTEL_ATTRIBUTE_COUNT_LIMIT, default 128.
        max_attribute_length: Characters of a string value, where nothing below says otherwise;
            OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, default none.
        max_log_record_attributes: OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, default ``max_attributes``.
        max_log_record_attribute_length: OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT, default ``max_attribute_length``.

    Raises:
        ValueError: A limit is negative or no integer.
    """

    UNSET = -1

    def __init__(
        self,
        max_attributes: int | None = None,
        max_attribute_length: int | None = None,
        max_log_record_attributes: int | None = None,
        max_log_record_attribute_length: int | None = None,
    ) -> None:
        read = self._from_env_if_absent
        common = read(max_attributes, OTEL_ATTRIBUTE_COUNT_LIMIT)
        self.max_attributes = _DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT if common is None else common
        self.max_attribute_length = read(max_attribute_length, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT)
        self.max_log_record_attributes = read(
            max_log_record_attributes, OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, self.max_attributes
        )
        self.max_log_record_attribute_length = read(
            max_log_record_attribute_length, OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT, self.max_attribute_length
        )

    def __repr__(self) -> str:
        names = (
            "max_attributes",
            "max_attribute_length",
            "max_log_record_attributes",
            "max_log_record_attribute_length",
        )
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"

    @classmethod
    def _from_env_if_absent(cls, value: int | None, env_var: str, default: int | None = None) -> int | None:
        if value == cls.UNSET:
            return None
        shown: object = value
        if value is None:
            if env_var not in environ:
                return default
            text = environ[env_var].strip().lower()
            if not text:
                return None
            shown = text
            try:
                value = int(text)
            except ValueError:
                value = -1
        if value < 0:
            raise ValueError(f"{env_var} must be a non-negative integer but got {shown}")
        return value


@deprecated("Use LogRecordLimits. Since logs are not stable yet this WILL be removed in future releases.")
class LogLimits(LogRecordLimits):
    """The older name of `LogRecordLimits`."""
