"""What the exporters of all signals have in common: the arguments of OTLP, and the stream of a file."""

from __future__ import annotations

import os.path
from importlib import import_module
from typing import Any, Callable
from urllib.parse import unquote, urlsplit

from opentelemetry.configuration import models
from opentelemetry.configuration._exceptions import ConfigurationError
from opentelemetry.exporter.otlp.common.http import Compression
from opentelemetry.exporter.otlp.proto.grpc._credentials import ssl_channel_credentials

_HTTP_COMPRESSIONS = {"none": Compression.NONE, "gzip": Compression.GZIP, "deflate": Compression.DEFLATE}
# The numbers of `grpc.Compression`.
_GRPC_COMPRESSIONS = {"none": 0, "gzip": 2}


def otlp_exporters(
    module: str, exporter: str, file_exporter: str, preferences: Callable[[Any], dict[str, Any]] = lambda _: {}
) -> dict[str, Callable[[Any], Any]]:
    """What makes the OTLP exporters of a signal from their models, by the schema's names.

    The classes are looked up in `module` of each transport's package when one is made; `preferences` are arguments
    beside those of the transport.
    """

    def made(package: str, name: str, arguments: dict[str, Any], config: Any) -> Any:
        found = getattr(import_module(f"opentelemetry.exporter.otlp.{package}.{module}"), name)
        return found(**arguments, **preferences(config))

    return {
        "otlp_http": lambda config: made(
            "json.http" if is_json(config) else "proto.http", exporter, http_arguments(config), config
        ),
        "otlp_grpc": lambda config: made("proto.grpc", exporter, grpc_arguments(config), config),
        "otlp_file_development": lambda config: made("json.file", file_exporter, file_arguments(config), config),
    }


def http_arguments(config: Any) -> dict[str, Any]:
    """The arguments of an OTLP exporter over HTTP; what the configuration leaves out is the exporter's default."""
    tls = config.tls or models.HttpTls()
    _check_files(tls)
    return {
        "endpoint": config.endpoint,
        "certificate_file": tls.ca_file,
        "client_key_file": tls.key_file,
        "client_certificate_file": tls.cert_file,
        "headers": _headers(config),
        "timeout": _seconds(config.timeout),
        "compression": _compression(config.compression, _HTTP_COMPRESSIONS),
    }


def is_json(config: Any) -> bool:
    """Is OTLP over HTTP to be JSON?"""
    return config.encoding is models.OtlpHttpEncoding.json


def grpc_arguments(config: Any) -> dict[str, Any]:
    """The arguments of an OTLP exporter over gRPC."""
    tls = config.tls or models.GrpcTls()
    _check_files(tls)
    credentials = None
    if tls.ca_file or tls.key_file or tls.cert_file:
        credentials = ssl_channel_credentials(_read(tls.ca_file), _read(tls.key_file), _read(tls.cert_file))
    return {
        "endpoint": config.endpoint,
        "insecure": tls.insecure,
        "credentials": credentials,
        "headers": _headers(config),
        "timeout": _seconds(config.timeout),
        "compression": _compression(config.compression, _GRPC_COMPRESSIONS),
    }


def file_arguments(config: Any) -> dict[str, Any]:
    """The arguments of an exporter to a file: none for `stdout`."""
    stream = config.output_stream
    if stream in (None, "stdout"):
        return {}
    url = urlsplit(stream)
    path = unquote(url.path)
    if url.scheme != "file" or url.netloc not in ("", "localhost") or url.query or url.fragment:
        raise ConfigurationError(
            f"output_stream must be stdout or a URL such as file:///var/log/otlp.jsonl, and is {stream!r}"
        )
    if not os.path.isabs(path) or path.endswith("/"):
        raise ConfigurationError(f"output_stream must name a file by its absolute path, and is {stream!r}")
    return {"path": path}


def _headers(config: Any) -> dict[str, str] | None:
    """`headers_list`, which has the form of OTEL_EXPORTER_OTLP_HEADERS, and `headers`, which go before it."""
    if config.headers is None and config.headers_list is None:
        return None
    headers: dict[str, str] = {}
    for pair in filter(None, map(str.strip, (config.headers_list or "").split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            # Not shown: it may be a secret.
            raise ConfigurationError("headers_list must be pairs such as name=value, with commas between them")
        headers[name.strip()] = unquote(value.strip())
    for header in config.headers or ():
        headers[header.name] = header.value or ""
    return headers


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _compression(word: str | None, known: dict[str, Any]) -> Any:
    if word is None:
        return None
    found = known.get(word.lower())
    if found is None:
        raise ConfigurationError(f"compression must be one of {', '.join(known)}, and is {word!r}")
    return found


def _check_files(tls: Any) -> None:
    for name in ("ca_file", "key_file", "cert_file"):
        path = getattr(tls, name)
        if path is not None and not os.path.isabs(path):
            raise ConfigurationError(f"tls.{name} must be an absolute path, and is {path!r}")


def _read(path: str | None) -> bytes | None:
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(f"the certificates of tls can't be read: {error}") from error
