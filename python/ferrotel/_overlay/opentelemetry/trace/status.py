"""How an operation ended."""

from __future__ import annotations

import enum

from ferrotel._late import getLogger

logger = getLogger(__name__)


class StatusCode(enum.Enum):
    """The three outcomes that the specification knows (Trace API, "Set Status")."""

    UNSET = 0
    """Nobody said anything: the default."""

    OK = 1
    """The application's developer or operator declared success; nothing overrides it."""

    ERROR = 2
    """The operation failed."""


class Status:
    """A status code and, for errors only, a description of what went wrong."""

    def __init__(self, status_code: StatusCode = StatusCode.UNSET, description: str | None = None):
        self._status_code = status_code
        self._description = _checked(status_code, description) if description else description

    @property
    def status_code(self) -> StatusCode:
        """The outcome."""
        return self._status_code

    @property
    def description(self) -> str | None:
        """What went wrong, `None` unless the code is `ERROR`."""
        return self._description

    @property
    def is_ok(self) -> bool:
        """Whether this is no error."""
        return self._status_code is StatusCode.OK or self._status_code is StatusCode.UNSET

    @property
    def is_unset(self) -> bool:
        """Whether nobody said anything."""
        return self._status_code is StatusCode.UNSET


def _checked(status_code: StatusCode, description: object) -> str | None:
    if not isinstance(description, str):
        logger.warning("Invalid status description type, expected str")
        return None
    if status_code is not StatusCode.ERROR:
        logger.warning("description should only be set when status_code is set to StatusCode.ERROR")
        return None
    return description
