"""What a configuration names: components of ferrotel's own, and those of other packages by their entry points."""

from __future__ import annotations

from typing import Any, Callable, Mapping

from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.util._importlib_metadata import entry_points


def load_entry_point(group: str, name: str) -> Any:
    """What the entry point `name` of `group` stands for. Raises ConfigurationError when there is none, or it can't be
    loaded."""
    found = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        raise ConfigurationError(f"no installed package has {name!r} among its entry points {group!r}")
    try:
        return found.load()
    except Exception as error:
        raise ConfigurationError(f"the entry point {name!r} of {group!r} can't be loaded: {error}") from error


def create_component(what: str, config: Any, built_in: Mapping[str, Callable[[Any], Any]], group: str) -> Any:
    """The component that a model of one component by its name asks for.

    `built_in` makes those that ferrotel has from their models; another package's is made by its entry point in `group`,
    called with the properties as keywords.
    """
    for name, create in built_in.items():
        properties = getattr(config, name, None)
        if properties is not None:
            return _create(what, name, create, properties)
    # Of the schema, but not of ferrotel, or of no schema: a package may bring it.
    others = {name: value for name, value in vars(config).items() if value is not None and name != _OTHERS}
    others.update(getattr(config, _OTHERS, {}))
    for name, properties in others.items():
        return _create(what, name, _by_keywords(load_entry_point(group, name)), properties or {})
    raise ConfigurationError(f"a {what} is asked for and none is named; ferrotel has {', '.join(built_in)}")


_OTHERS = "additional_properties"


def _by_keywords(component: Any) -> Callable[[Any], Any]:
    return lambda properties: component(**properties)


def _create(what: str, name: str, create: Callable[[Any], Any], properties: Any) -> Any:
    try:
        return create(properties)
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(f"the {what} {name!r} can't be made: {error}") from error
