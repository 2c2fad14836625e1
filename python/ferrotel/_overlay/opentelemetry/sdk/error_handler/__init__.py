"""Error handlers that plug in, for code of the SDK that must not raise.

`with GlobalErrorHandler():` swallows an exception of its block after handing it to every handler registered under the
entry point group `opentelemetry_error_handler` that is also a subclass of the exception's class:

    class ZeroDivisionHandler(ErrorHandler, ZeroDivisionError):
        def _handle(self, error, *args, **kwargs):
            ...

When no handler took it, it is logged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from logging import getLogger
from types import TracebackType
from typing import Any

from opentelemetry.util._importlib_metadata import entry_points

logger = getLogger(__name__)

_ENTRY_POINT_GROUP = "opentelemetry_error_handler"


class ErrorHandler(ABC):
    """What a handler implements."""

    @abstractmethod
    def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        """Takes care of the exception."""


class _DefaultErrorHandler(ErrorHandler):
    """Logs the exception with its traceback."""

    def _handle(self, error: Exception, *args: Any, **kwargs: Any) -> None:
        logger.error("Error handled by default error handler: ", exc_info=error)


class GlobalErrorHandler:
    """The one error handler of the process, as a context manager; every call of the class gives the same object."""

    _instance: GlobalErrorHandler | None = None

    def __new__(cls) -> GlobalErrorHandler:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        # The wish to leave (KeyboardInterrupt, SystemExit, a generator's close) is no error to be handled.
        if not isinstance(exc_value, Exception):
            return None
        handled = False
        for entry_point in entry_points(group=_ENTRY_POINT_GROUP):
            handled = _handled_by(entry_point, exc_value) or handled
        if not handled:
            _DefaultErrorHandler()._handle(exc_value)
        return True


def _handled_by(entry_point: Any, error: Exception) -> bool:
    handler_class = entry_point.load()
    if not issubclass(handler_class, type(error)):
        return False
    try:
        handler_class()._handle(error)
    except Exception as handling_error:
        logger.exception(
            "%s error while handling error %s by error handler %s",
            type(handling_error).__name__,
            type(error).__name__,
            handler_class.__name__,
        )
        return False
    return True
