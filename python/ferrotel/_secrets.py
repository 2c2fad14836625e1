"""What no line may show: users and passwords in URLs, what stands behind their paths, values of headers."""

from __future__ import annotations

from typing import Mapping
from urllib.parse import unquote

# What is shorter is no secret, and would be found inside of words.
_SHORTEST = 4
_NO_SECRETS = ("content-type", "content-encoding", "user-agent")


def shown_url(url: str) -> str:
    """The URL without user and password, and without what stands behind its path, which may be a token."""
    scheme, separator, rest = url.strip().partition("://")
    if not separator:
        scheme, rest = "", url.strip()
    before, _, query = rest.replace("#", "?").partition("?")
    if "@" in before:
        # A slash in a password should be escaped, and is not always.
        before = "***@" + before.rpartition("@")[2]
    elif "@" in query:
        # A password may as well have a question mark in it.
        before = "***"
    return scheme + separator + before


def without_secrets(text: object, url: str, headers: Mapping[str, str] | None = None) -> str:
    """The text, of an exception for example, without what is secret of a request's URL and headers."""
    shown = str(text)
    for secret in sorted(_secrets(url, headers or {}), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            shown = shown.replace(secret, "***")
    return shown


def _secrets(url: str, headers: Mapping[str, str]) -> set[str]:
    rest = url.strip().partition("://")[2] or url.strip()
    user, at, _ = rest.rpartition("@")
    query = rest.replace("#", "?").partition("?")[2]
    found = {query, *(pair.rpartition("=")[2] for pair in query.split("&"))}
    if at:
        found.update((user, *user.split(":", 1)))
    for name, value in headers.items():
        if str(name).lower() not in _NO_SECRETS:
            found.update((str(value), str(value).strip(), str(value).strip().rpartition(" ")[2]))
    # As an exception may show them: what was escaped in the URL, and what `repr` escapes.
    return {form for secret in found for form in (secret, unquote(secret), repr(secret)[1:-1])}
