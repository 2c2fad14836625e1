"""The headers of every request in JSON."""

from opentelemetry.exporter.otlp.json.http.version import __version__

JSON_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "OTel-OTLP-JSON-Exporter-Python/" + __version__,
}
