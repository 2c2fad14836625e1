"""The resource: what describes the entity that produces the telemetry (specification: Resource SDK).

`Resource.create({"service.name": "shop"})` is what programs call: it adds what the SDK knows of itself, what the
environment says (`OTEL_RESOURCE_ATTRIBUTES`, `OTEL_SERVICE_NAME`) and what detectors find
(`OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`). A detector itself makes its `Resource` with the constructor.

    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
"""

from __future__ import annotations

import _thread
import abc
import os
import sys
from os import environ

from ferrotel._late import TYPE_CHECKING, getLogger, late_types
from opentelemetry.sdk.environment_variables import (
    OTEL_EXPERIMENTAL_RESOURCE_DETECTORS,
    OTEL_RESOURCE_ATTRIBUTES,
    OTEL_SERVICE_NAME,
)
from opentelemetry.sdk.resources._attribute_names import *  # noqa: F403
from opentelemetry.sdk.resources._attribute_names import (
    HOST_ARCH,
    HOST_ID,
    HOST_NAME,
    OS_TYPE,
    OS_VERSION,
    PROCESS_COMMAND,
    PROCESS_COMMAND_ARGS,
    PROCESS_COMMAND_LINE,
    PROCESS_EXECUTABLE_NAME,
    PROCESS_EXECUTABLE_PATH,
    PROCESS_OWNER,
    PROCESS_PARENT_PID,
    PROCESS_PID,
    PROCESS_RUNTIME_DESCRIPTION,
    PROCESS_RUNTIME_NAME,
    PROCESS_RUNTIME_VERSION,
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
)
from opentelemetry.sdk.resources._resource import _DEFAULT_RESOURCE as _DEFAULT_RESOURCE
from opentelemetry.sdk.resources._resource import _EMPTY_RESOURCE as _EMPTY_RESOURCE
from opentelemetry.sdk.resources._resource import _OPENTELEMETRY_SDK_VERSION as _OPENTELEMETRY_SDK_VERSION
from opentelemetry.sdk.resources._resource import Resource as Resource

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence

    from opentelemetry.sdk.resources._detector_run import DetectorRun
    from opentelemetry.sdk.resources._resource import Attributes as Attributes
    from opentelemetry.sdk.resources._resource import LabelValue as LabelValue
    from opentelemetry.util.types import AnyValue as AnyValue

logger = getLogger(__name__)


class ResourceDetector(abc.ABC):
    """Finds out attributes of the place where the program runs.

    `raise_on_error`: an exception of `detect` reaches the caller; otherwise it is logged and the detector skipped.
    """

    def __init__(self, raise_on_error: bool = False) -> None:
        self.raise_on_error = raise_on_error

    @abc.abstractmethod
    def detect(self) -> Resource:
        """What was found. Makes the resource by its constructor: `Resource.create` runs the detectors again."""
        raise NotImplementedError()

    def is_process_dependent(self) -> bool:
        """Is the answer another one after a fork? Providers ask such detectors again in the child."""
        return False


class OTELResourceDetector(ResourceDetector):
    """Reads `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`. A malformed pair is reported, the others are kept."""

    def detect(self) -> Resource:
        found: dict[str, AnyValue] = {}
        text = environ.get(OTEL_RESOURCE_ATTRIBUTES)
        for item in text.split(",") if text else ():
            key, separator, value = item.partition("=")
            if not separator:
                logger.warning(
                    "Invalid key value resource attribute pair %s: %s",
                    item,
                    'expected "key=value"',
                )
                continue
            found[key.strip()] = _percent_decoded(value.strip())
        service_name = environ.get(OTEL_SERVICE_NAME)
        if service_name:
            found[SERVICE_NAME] = service_name
        return Resource(found)


def _percent_decoded(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


_service_instance_id: str | None = None
_service_instance_id_pid: int | None = None
_service_instance_id_lock = _thread.RLock()


class ServiceInstanceIdResourceDetector(ResourceDetector):
    """`service.instance.id`: a random UUID (version 4), one per process; a forked child gets another.

    A `service.instance.id` from the environment or from `Resource.create` is stronger, but is replaced in a forked
    child, where it would name two processes.
    """

    def is_process_dependent(self) -> bool:
        return True

    def detect(self) -> Resource:
        global _service_instance_id, _service_instance_id_pid
        with _service_instance_id_lock:
            pid = os.getpid()
            if _service_instance_id is None or _service_instance_id_pid != pid:
                _service_instance_id = _random_uuid()
                _service_instance_id_pid = pid
            return Resource({SERVICE_INSTANCE_ID: _service_instance_id})


def _random_uuid() -> str:
    # RFC 9562, version 4. The module uuid costs several milliseconds to import.
    bits = bytearray(os.urandom(16))
    bits[6] = bits[6] & 0x0F | 0x40
    bits[8] = bits[8] & 0x3F | 0x80
    digits = bits.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _release_lock_in_child() -> None:
    # Another thread may have held it at the moment of the fork, and does not exist in the child.
    global _service_instance_id_lock
    _service_instance_id_lock = _thread.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_lock_in_child)


class ProcessResourceDetector(ResourceDetector):
    """The process and its interpreter.

    `include_command_args`: also the whole command line. It may hold secrets, so it stays out unless asked for.
    """

    def __init__(self, raise_on_error: bool = False, *, include_command_args: bool = False) -> None:
        super().__init__(raise_on_error=raise_on_error)
        self._include_command_args = include_command_args

    def is_process_dependent(self) -> bool:
        return True

    def detect(self) -> Resource:
        # orig_argv (CPython 3.10) still has the "-m module" that argv has lost.
        arguments = getattr(sys, "orig_argv", sys.argv)
        executable = sys.executable or ""
        found: dict[str, AnyValue] = {
            PROCESS_RUNTIME_DESCRIPTION: sys.version,
            PROCESS_RUNTIME_NAME: sys.implementation.name,
            PROCESS_RUNTIME_VERSION: _runtime_version(),
            PROCESS_PID: os.getpid(),
            PROCESS_EXECUTABLE_NAME: os.path.basename(executable),
            PROCESS_EXECUTABLE_PATH: executable,
            PROCESS_COMMAND: arguments[0] if arguments else "",
        }
        if self._include_command_args:
            found[PROCESS_COMMAND_LINE] = " ".join(arguments)
            found[PROCESS_COMMAND_ARGS] = list(arguments)
        if hasattr(os, "getppid"):
            found[PROCESS_PARENT_PID] = os.getppid()
        psutil = _optional_module("psutil")
        if psutil is not None:
            found[PROCESS_OWNER] = psutil.Process().username()
        return Resource(found)


def _runtime_version() -> str:
    version = sys.version_info
    released = version.releaselevel == "final" and not version.serial
    return ".".join(str(part) for part in (version[:3] if released else version))


class OsResourceDetector(ResourceDetector):
    """`os.type` and `os.version`, as the semantic conventions spell them."""

    def detect(self) -> Resource:
        import platform

        os_type = platform.system().lower()
        # What `release` gives on Windows is the product ("2022Server"), on Solaris the kernel's age-old "5.11".
        os_version = platform.version() if os_type in ("windows", "sunos") else platform.release()
        return Resource({OS_TYPE: "solaris" if os_type == "sunos" else os_type, OS_VERSION: os_version})


class _HostResourceDetector(ResourceDetector):
    """`host.name`, `host.arch` and, where an unprivileged process can learn it, `host.id`."""

    def detect(self) -> Resource:
        import platform
        import socket

        found: dict[str, AnyValue] = {HOST_NAME: socket.gethostname(), HOST_ARCH: platform.machine()}
        try:
            host_id = _get_host_id()
        except Exception as error:
            # Name and architecture are worth having without it.
            logger.warning("Failed to detect %s: %s", HOST_ID, error)
            if self.raise_on_error:
                raise
        else:
            if host_id:
                found[HOST_ID] = host_id
        return Resource(found)


# Where `host.id` comes from (semantic conventions: Host, "Non-privileged Machine ID Lookup").
_LINUX_MACHINE_ID_PATHS = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_BSD_HOSTID_PATH = "/etc/hostid"
_BSD_KENV_COMMAND = ("/bin/kenv", "-q", "smbios.system.uuid")
_MACOS_IOREG_COMMAND = ("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice")
_WINDOWS_CRYPTOGRAPHY_KEY = r"SOFTWARE\Microsoft\Cryptography"
_WINDOWS_MACHINE_GUID_VALUE = "MachineGuid"
# Less than the time limit of a detector, so that a stuck command costs only `host.id`.
_COMMAND_TIMEOUT_SECONDS = 2


def _get_host_id() -> str | None:
    import platform

    system = platform.system()
    if system == "DragonFly" or system.endswith("BSD"):
        return _get_bsd_machine_id()
    lookup = {
        "Linux": _get_linux_machine_id,
        "Darwin": _get_macos_machine_id,
        "Windows": _get_windows_machine_id,
    }.get(system)
    if lookup is None:
        logger.debug("Unsupported OS type for %s detection: %s", HOST_ID, system)
        return None
    return lookup()


def _get_linux_machine_id() -> str | None:
    candidates = (_read_machine_id_file(path) for path in _LINUX_MACHINE_ID_PATHS)
    return next((machine_id for machine_id in candidates if machine_id), None)


def _get_bsd_machine_id() -> str | None:
    return _read_machine_id_file(_BSD_HOSTID_PATH) or _run_command(_BSD_KENV_COMMAND).strip() or None


def _get_macos_machine_id() -> str | None:
    import re

    match = re.search(r'"IOPlatformUUID"\s*=\s*"([^"]+)"', _run_command(_MACOS_IOREG_COMMAND))
    return match.group(1).strip() if match else None


def _get_windows_machine_id() -> str | None:
    winreg = _optional_module("winreg")
    if winreg is None:
        logger.debug("winreg is unavailable, cannot detect %s", HOST_ID)
        return None
    # The 64-bit view: a 32-bit interpreter would read a copy that may be missing.
    access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _WINDOWS_CRYPTOGRAPHY_KEY, access=access) as key:
        guid = winreg.QueryValueEx(key, _WINDOWS_MACHINE_GUID_VALUE)[0]
    return str(guid) if guid else None


def _read_machine_id_file(path: str) -> str | None:
    try:
        with open(path, encoding="utf8") as file:
            return file.read().strip() or None
    except OSError as error:
        logger.debug("Failed to read %s: %s", path, error)
        return None


def _run_command(command: tuple[str, ...]) -> str:
    # The command's output; empty when there is no such command here or it fails, both of which are ordinary.
    import subprocess

    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_SECONDS,
            check=True,
        ).stdout
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        logger.debug("Failed to run %s: %s", command[0], error)
        return ""


# Found without a scan of the installed distributions, which costs tens of milliseconds.
_BUILT_IN_DETECTORS: dict[str, Callable[[], ResourceDetector]] = {
    "otel": OTELResourceDetector,
    "service_instance": ServiceInstanceIdResourceDetector,
    "process": ProcessResourceDetector,
    "os": OsResourceDetector,
    "host": _HostResourceDetector,
}
# These neither wait nor call foreign code: a thread for them is a waste.
_INSTANT_DETECTORS = (OTELResourceDetector, ServiceInstanceIdResourceDetector, OsResourceDetector)
_ENTRY_POINT_GROUP = "opentelemetry_resource_detector"


def _build_resource_detectors() -> list[ResourceDetector]:
    """The detectors for `Resource.create`, weakest first: service_instance, the configured ones, otel."""
    configured = [name.strip() for name in environ.get(OTEL_EXPERIMENTAL_RESOURCE_DETECTORS, "").split(",")]
    names = [name for name in configured if name]
    if "service_instance" not in names:
        names.insert(0, "service_instance")
    if "otel" not in names:
        names.append("otel")
    if "*" in names:
        at = names.index("*")
        names[at : at + 1] = sorted(_detector_names() - set(names) - {"otel"})
    detectors = []
    for name in dict.fromkeys(names):
        try:
            detectors.append(_load_detector(name))
        except Exception:
            logger.exception("Failed to load resource detector '%s', skipping", name)
    return detectors


def _detector_names() -> set[str]:
    from opentelemetry.util._importlib_metadata import entry_points

    return {*_BUILT_IN_DETECTORS, *(entry_point.name for entry_point in entry_points(group=_ENTRY_POINT_GROUP))}


def _load_detector(name: str) -> ResourceDetector:
    built_in = _BUILT_IN_DETECTORS.get(name)
    if built_in is not None:
        return built_in()
    from opentelemetry.util._importlib_metadata import entry_points

    for entry_point in entry_points(group=_ENTRY_POINT_GROUP, name=name):
        detector: ResourceDetector = entry_point.load()()
        return detector
    raise LookupError(f"no installed distribution has the entry point '{name}' in the group '{_ENTRY_POINT_GROUP}'")


def _get_process_dependent_resource() -> Resource:
    """What the process-dependent detectors say now: a provider merges it over its resource after a fork."""
    return get_aggregated_resources(
        [detector for detector in _build_resource_detectors() if detector.is_process_dependent()],
        Resource.get_empty(),
    )


def get_aggregated_resources(
    detectors: Sequence[ResourceDetector],
    initial_resource: Resource | None = None,
    timeout: int = 5,
) -> Resource:
    """The resources of all detectors merged in their order on top of `initial_resource` (default: `Resource.create()`).

    The detectors run at the same time. Each is waited for `timeout` seconds; one that takes longer or fails is skipped
    with a warning, unless its `raise_on_error` is true: then the exception is raised.
    """
    from opentelemetry.sdk.resources._detector_run import DetectorRun, wait_for_all

    merged = initial_resource or Resource.create()
    runs = [DetectorRun(detector, inline=type(detector) in _INSTANT_DETECTORS) for detector in detectors]
    try:
        for run in runs:
            found = _found_by(run, timeout)
            if found is not None:
                merged = merged.merge(found)
    finally:
        wait_for_all(runs)
    return merged


def _found_by(run: DetectorRun, timeout: int) -> Resource | None:
    error = run.error if run.wait(timeout) else TimeoutError()
    if error is not None:
        if getattr(run.detector, "raise_on_error", False):
            raise error
        if _is_timeout(error):
            logger.warning("Detector %s took longer than %s seconds, skipping", run.detector, timeout)
        else:
            logger.warning("Exception %s in detector %s, ignoring", error, run.detector)
        return None
    if not isinstance(run.resource, Resource):
        logger.warning("Detector %s gave no Resource but %r, skipping", run.detector, run.resource)
        return None
    return run.resource


def _is_timeout(error: BaseException) -> bool:
    from concurrent.futures import TimeoutError as FutureTimeout

    # Another class than the built-in one before CPython 3.11.
    return isinstance(error, (TimeoutError, FutureTimeout))


def _optional_module(name: str) -> Any:
    # Through this module's attribute, so that a program that puts another value there is heard.
    return getattr(sys.modules[__name__], name)


def __getattr__(name: str) -> Any:
    # Modules that only some detectors need; importing them here would cost every program milliseconds.
    from importlib import import_module

    if name in ("psutil", "winreg"):
        try:
            return import_module(name)
        except ImportError:
            return None
    if name in ("platform", "socket", "subprocess", "uuid"):
        return import_module(name)
    return _types(name)


_types = late_types(__name__, AnyValue="AnyValue", LabelValue="AnyValue", Attributes="Mapping[str, AnyValue]")
