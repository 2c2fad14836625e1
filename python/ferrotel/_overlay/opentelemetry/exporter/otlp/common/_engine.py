"""An exporter whose encoding, sending and retrying is the engine's."""

from __future__ import annotations

from ferrotel._late import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing import Any, Callable, ClassVar

    _Method = TypeVar("_Method", bound=Callable[..., Any])


class EngineExporter:
    """Holds the engine's exporter and makes it anew when a subclass changes what it was made of."""

    # The engine's class for the signal, for example `_native.OtlpSpanExporter`.
    _NATIVE: ClassVar[Any]

    # Methods that, overridden in Python, must be called for every batch.
    _HOOKS: ClassVar[tuple[str, ...]] = ("export",)

    # A directory for what is not delivered; None: as the environment says.
    _spool_dir: Any = None

    _engine: Any = None
    _engine_made_of: dict[str, Any] | None = None

    def _engine_settings(self) -> dict[str, Any]:
        """The arguments of the engine's exporter, read from the attributes that programs know."""
        raise NotImplementedError

    def _engine_client(self) -> Any:
        settings = self._engine_settings()
        if self._engine is None or settings != self._engine_made_of:
            self._engine = self._NATIVE(**settings)
            self._engine_made_of = settings
        return self._engine

    def _engine_exporter(self) -> Any:
        """The engine's exporter, for what feeds it directly; None where Python has a say in each batch."""
        own = vars(self)
        if any(name in own or not _is_ours(type(self), name) for name in self._HOOKS):
            return None
        return self._engine_client()


def _is_ours(exporter: type, name: str) -> bool:
    # Whoever defines the method says so with this mark.
    return getattr(getattr(exporter, name, None), "_runs_in_engine", False) is True


def runs_in_engine(method: _Method) -> _Method:
    """Marks a method whose work the engine does the same way without Python."""
    method._runs_in_engine = True  # type: ignore[attr-defined]
    return method
