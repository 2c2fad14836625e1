"""Which route of an application a request is for, found before the application's own router looks for it.

A route's `matches` makes a copy of a request's parameters and converts them, each time. What routes of known classes do
is known: their regular expressions are tried in turn, and what is found for a path is remembered.
"""

from __future__ import annotations

from typing import Any, Callable, Iterable, List, MutableMapping, NamedTuple, Tuple

import starlette.routing
from starlette.routing import Match, Route, WebSocketRoute

import fastapi.routing

_Scope = MutableMapping[str, Any]
# The path within the application: since Starlette 0.33 without what it is mounted at.
_route_path: Callable[[_Scope], str] | None = getattr(starlette.routing, "get_route_path", None)

_MOST_PATHS = 512
"""So many paths are remembered. Clients may make up any number."""


def _own_matches(*classes: tuple[Any, str]) -> frozenset[Any]:
    found = (getattr(module, name, None) for module, name in classes)
    return frozenset(vars(route)["matches"] for route in found if route is not None and "matches" in vars(route))


_HTTP = _own_matches((starlette.routing, "Route"), (fastapi.routing, "APIRoute"))
_WEBSOCKET = _own_matches((starlette.routing, "WebSocketRoute"), (fastapi.routing, "APIWebSocketRoute"))
_MOUNT = _own_matches((starlette.routing, "Mount"))
# What an included router makes of a route, since FastAPI 0.137.
_EFFECTIVE = _own_matches((fastapi.routing, "_EffectiveRouteContext"))


class _Entry(NamedTuple):
    """A route. Without `match` it is of a class that is not known, and is asked itself."""

    match: Callable[[str], Any] | None
    methods: Iterable[str] | None
    path: str | None
    route: Any


# A router's list of routes as it was when it was read.
_Seen = Tuple[Any, List[Any]]


class RouteTable:
    """The routes of an application, as they are now."""

    def __init__(self, routes: Iterable[Any], flat: Iterable[Any]) -> None:
        """`flat` are the routes with those of included routers in the place of these."""
        self._http: list[_Entry] = []
        self._websocket: list[_Entry] = []
        self._seen: list[_Seen] = []
        self._known = True
        self._found: dict[tuple[str, str], str | None] = {}
        self._routes = list(routes)
        self._watch(self._routes)
        for route in flat:
            self._add(route)

    def is_current(self, routes: Any) -> bool:
        """Are the routes of the application the same still?"""
        # A list is compared object by object, which costs next to nothing.
        if routes != self._routes:
            return False
        return all(router.routes == seen for router, seen in self._seen)

    def find(self, scope: _Scope) -> str | None:
        """The path of the route that is for a request, with the names of its parameters. None when there is none."""
        path: str = scope["path"] if _route_path is None else _route_path(scope)
        if scope["type"] != "http":
            return self._search(self._websocket, path, "", scope)
        method: str = scope.get("method", "")
        if not self._known:
            return self._search(self._http, path, method, scope)
        key = (method, path)
        try:
            return self._found[key]
        except KeyError:
            pass
        found = self._search(self._http, path, method, scope)
        if len(self._found) >= _MOST_PATHS:
            self._found.clear()
        self._found[key] = found
        return found

    def _search(self, entries: list[_Entry], path: str, method: str, scope: _Scope) -> str | None:
        partial = None
        for match, methods, route_path, route in entries:
            if match is None:
                answer = _ask(route, scope)
                if answer is Match.FULL:
                    return _path_of(route, scope)
                if answer is Match.PARTIAL and partial is None:
                    partial = getattr(route, "path", None)
            elif match(path):
                # A route for another method answers 405, unless a later one is for this method.
                if not methods or method in methods:
                    return route_path
                if partial is None:
                    partial = route_path
        return partial

    def _watch(self, routes: Iterable[Any]) -> None:
        for route in routes:
            router = getattr(route, "original_router", None)
            if router is not None and not any(router is seen for seen, _ in self._seen):
                self._seen.append((router, list(router.routes)))
                self._watch(router.routes)

    def _add(self, route: Any) -> None:
        matches = getattr(getattr(route, "matches", None), "__func__", None)
        path = getattr(route, "path", None)
        regex = getattr(route, "path_regex", None)
        if regex is not None and path is not None:
            entry = _Entry(regex.match, None, path, route)
            if matches in _HTTP or isinstance(route, Route) or (matches in _EFFECTIVE and _is_api_route(route)):
                self._http.append(entry._replace(methods=getattr(route, "methods", None)))
                return
            if matches in _WEBSOCKET or isinstance(route, WebSocketRoute):
                self._websocket.append(entry)
                return
            if matches in _MOUNT:
                self._http.append(entry)
                self._websocket.append(entry)
                return
        self._known = False
        unknown = _Entry(None, None, path, route)
        self._http.append(unknown)
        self._websocket.append(unknown)


def _is_api_route(route: Any) -> bool:
    return isinstance(getattr(route, "original_route", None), fastapi.routing.APIRoute)


def _ask(route: Any, scope: _Scope) -> Any:
    try:
        return route.matches(scope)[0]
    except Exception:
        # The application will meet this again, in its own time.
        return Match.NONE


def _path_of(route: Any, scope: _Scope) -> str | None:
    path = getattr(route, "path", None)
    if path is not None:
        return str(path)
    # A `Host`, or something like it: what it holds may be routes.
    nested = getattr(route, "routes", None)
    return RouteTable(nested, nested).find(scope) if nested else None
