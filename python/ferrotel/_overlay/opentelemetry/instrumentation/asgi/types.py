"""The hooks that the middleware calls. What a hook raises is logged, and recorded on the span that it was given."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from opentelemetry.trace import Span

_Scope = Dict[str, Any]
_Message = Dict[str, Any]

# Called with the span and the scope of a request, before the application is.
ServerRequestHook = Optional[Callable[[Span, _Scope], None]]
# Called with the span of a call of `receive`, the scope and the event that was received.
ClientRequestHook = Optional[Callable[[Span, _Scope, _Message], None]]
# Called with the span of a call of `send`, the scope and the event that is sent.
ClientResponseHook = Optional[Callable[[Span, _Scope, _Message], None]]
