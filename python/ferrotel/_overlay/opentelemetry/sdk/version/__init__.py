"""The release of the reference whose behaviour this SDK carries, because programs compare it.

ferrotel's own release number is `ferrotel.__version__`, and what the resource says in `telemetry.sdk.version`.
"""

__version__ = "1.45.1"
