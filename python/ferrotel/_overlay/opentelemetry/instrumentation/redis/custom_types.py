"""The types of hooks, and of what they are given: the classes differ from one release of redis-py to the next, so that
none is named."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, TypeVar

from opentelemetry.trace import Span

RequestHook = Callable[[Span, Any, List[Any], Dict[str, Any]], None]
"""Gets the span, the client, the arguments of the command and its options."""

ResponseHook = Callable[[Span, Any, Any], None]
"""Gets the span, the client and the response."""

AsyncPipelineInstance = TypeVar("AsyncPipelineInstance")
AsyncRedisInstance = TypeVar("AsyncRedisInstance")
PipelineInstance = TypeVar("PipelineInstance")
RedisInstance = TypeVar("RedisInstance")
R = TypeVar("R")
