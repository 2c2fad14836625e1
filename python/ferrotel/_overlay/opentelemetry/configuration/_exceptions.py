"""What is wrong with a configuration."""

from __future__ import annotations


class ConfigurationError(Exception):
    """A configuration can't be read, does not fit the schema, or names what is not there."""


class MissingDependencyError(ConfigurationError, ImportError):
    """A component of the configuration needs a package that is not installed.

    `package` is what can't be imported, `feature` what needs it; `install_name` and `extras` make the command that
    installs it, `install_name` being `package` where it is not given.
    """

    def __init__(
        self, package: str, feature: str | None = None, install_name: str | None = None, extras: str | None = None
    ) -> None:
        self.package = package
        self.feature = feature
        self.install_name = install_name or package
        self.extras = extras
        command = f'pip install "{self.install_name}[{extras}]"' if extras else f"pip install {self.install_name}"
        needed = f"{feature} needs {package!r}" if feature else f"{package!r} is needed"
        super().__init__(f"{needed}, which is not installed: {command}")
