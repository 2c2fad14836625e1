"""Putting the overlay in front of the official packages.

The installed `.pth` file does the plain case itself, at every interpreter start. It comes here when FERROTEL_DISABLED
is set, when `opentelemetry` is imported already, or when the package lies elsewhere than the file (`maturin develop`).
"""

from __future__ import annotations

import os
import sys

#: The folder that holds our `opentelemetry` tree.
OVERLAY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_overlay")

#: Set to 1, true, yes or on (in any case), the official packages stay in effect.
DISABLED_VARIABLE = "FERROTEL_DISABLED"


def activate() -> None:
    """Put the overlay first on `sys.path`, as the installed `.pth` file does at interpreter start.

    Needed only where no `.pth` file is processed: zip apps, `--target` folders on PYTHONPATH, layers of AWS Lambda.
    Calling it again changes nothing, and neither does calling it while FERROTEL_DISABLED=1.

    Raises:
        RuntimeError: official modules that the overlay replaces are imported already. Both implementations would then
            live in one process, each with a global tracer provider of its own. The message names them.
    """
    if disabled():
        return
    foreign = foreign_modules()
    if foreign:
        raise RuntimeError(
            "ferrotel.activate() comes too late, these official modules are imported already: "
            + ", ".join(foreign)
            + ". Call it before the first import of opentelemetry."
        )
    if OVERLAY not in sys.path:
        sys.path.insert(0, OVERLAY)


def at_interpreter_start() -> None:
    """What the `.pth` file calls: `activate`, but a late call says one line on stderr and leaves all as it is."""
    try:
        activate()
    except RuntimeError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"ferrotel: the official OpenTelemetry packages stay in effect. {error}\n")


def disabled() -> bool:
    """Whether the environment asks for the official packages."""
    return os.environ.get(DISABLED_VARIABLE, "").strip().lower() in ("1", "true", "yes", "on")


def foreign_modules() -> list[str]:
    """Imported `opentelemetry` modules, sorted, that the overlay replaces and that come from elsewhere.

    Namespace packages are left out: they hold no code and take the overlay up as soon as it is on the path.
    """
    return sorted(
        name
        for name, module in list(sys.modules.items())
        if name.startswith("opentelemetry.") and _comes_from_elsewhere(module) and _overlay_has(name)
    )


def _comes_from_elsewhere(module: object) -> bool:
    file = getattr(module, "__file__", None)
    return file is not None and not os.path.abspath(file).startswith(OVERLAY + os.sep)


def _overlay_has(name: str) -> bool:
    path = os.path.join(OVERLAY, *name.split("."))
    return os.path.isfile(path + ".py") or os.path.isfile(os.path.join(path, "__init__.py"))
