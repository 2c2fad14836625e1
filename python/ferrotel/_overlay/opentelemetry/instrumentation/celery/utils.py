"""What Celery's signals say about tasks and messages, and where the span of a task is kept while it runs."""

from __future__ import annotations

from logging import getLogger
from threading import get_ident
from typing import Any, ContextManager, Dict, Mapping, Protocol, Tuple

from celery import current_app
from opentelemetry.trace import Span

logger = getLogger(__name__)

ContextKey = Tuple[str, bool, int]
"""The id of a task, whether it is being published, and the thread: a task that is tried again is published while it
runs, and another thread of the pool may begin with it before it has ended."""

ContextTuple = Tuple[Span, "ContextManager[Span]", Any]
"""A span, what makes it current, and the token of the context that came with the message."""

ContextDict = Dict[ContextKey, ContextTuple]

# Of a task: its spans that have not ended.
CTX_KEY = "__otel_task_span"

MESSAGING_MESSAGE_ID = "messaging.message.id"

CELERY_CONTEXT_ATTRIBUTES = (
    "compression",
    "correlation_id",
    "countdown",
    "delivery_info",
    "declare",
    "eta",
    "exchange",
    "expires",
    "hostname",
    "id",
    "priority",
    "queue",
    "reply_to",
    "retries",
    "routing_key",
    "serializer",
    "timelimit",
    "origin",
    "state",
)

_DESTINATION = "messaging.destination"
_ATTRIBUTE_NAMES = {
    **{key: f"celery.{key}" for key in CELERY_CONTEXT_ATTRIBUTES},
    "correlation_id": "messaging.conversation_id",
    "declare": "messaging.destination_kind",
    "id": MESSAGING_MESSAGE_ID,
    # Celery's older name of it.
    "origin": "celery.hostname",
    "routing_key": _DESTINATION,
}
_KINDS = {"direct": "queue", "topic": "topic"}
_VALUES = (str, bool, int, float, bytes, list, tuple)


class ContextCarrier(Protocol):
    """The arguments of a signal, or a task's request."""

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or `default`."""


def set_attributes_from_context(span: Span, context: ContextCarrier) -> None:
    """Puts on a span what Celery says about a task or a message."""
    if span.is_recording():
        span.set_attributes(attributes_from_context(context))


def attributes_from_context(context: ContextCarrier) -> dict[str, Any]:
    """What Celery says about a task or a message, without what is empty."""
    attributes: dict[str, Any] = {}
    for key in CELERY_CONTEXT_ATTRIBUTES:
        value = context.get(key)
        if value is None or value == "":
            continue
        if key == "timelimit":
            if not any(value):
                continue
            if None in value:
                value = ["" if limit is None else str(limit) for limit in value]
        elif key == "retries" and value == 0:
            continue
        elif key == "delivery_info":
            if isinstance(value, Mapping) and value.get("routing_key") is not None:
                attributes[_DESTINATION] = value["routing_key"]
            value = str(value)
        elif key == "declare":
            value = _kind_of(value)
            if value is None:
                continue
        attributes[_ATTRIBUTE_NAMES[key]] = value if isinstance(value, _VALUES) else str(value)
    return attributes


def _kind_of(declared: Any) -> str | None:
    """Queue or topic, by the first exchange that is either."""
    for each in declared:
        kind = _KINDS.get(getattr(getattr(each, "exchange", None), "type", None) or "")
        if kind:
            return kind
    return None


# The spans of a task


def attach_context(
    task: Any,
    task_id: str,
    span: Span,
    activation: ContextManager[Span],
    token: Any,
    is_publish: bool = False,
) -> None:
    """Keeps a span at its task until it ends. Nothing without a task."""
    if task is None:
        return
    spans: ContextDict | None = getattr(task, CTX_KEY, None)
    if spans is None:
        spans = {}
        setattr(task, CTX_KEY, spans)
    spans[task_id, is_publish, get_ident()] = span, activation, token


def detach_context(task: Any, task_id: str, is_publish: bool = False) -> None:
    """Forgets a span, if it is kept."""
    spans: ContextDict | None = getattr(task, CTX_KEY, None)
    if spans is not None:
        spans.pop((task_id, is_publish, get_ident()), None)


def retrieve_context(task: Any, task_id: str, is_publish: bool = False) -> ContextTuple | None:
    """The span that is kept, or None."""
    spans: ContextDict | None = getattr(task, CTX_KEY, None)
    return None if spans is None else spans.get((task_id, is_publish, get_ident()))


# The arguments of signals


def retrieve_task(kwargs: Mapping[str, Any]) -> Any:
    """The task of a signal before or after it runs, or None."""
    return _found(kwargs.get("task"), "task")


def retrieve_task_from_sender(kwargs: Mapping[str, Any]) -> Any:
    """The task of another signal, or None: when one is published its name is the sender, which this program need not
    know, else the task itself."""
    sender = kwargs.get("sender")
    if isinstance(sender, str):
        sender = current_app.tasks.get(sender)
    return _found(sender, "task of the sender")


def retrieve_task_id(kwargs: Mapping[str, Any]) -> Any:
    """The id of a task that runs, or None."""
    return _found(kwargs.get("task_id"), "task id")


def retrieve_task_id_from_request(kwargs: Mapping[str, Any]) -> Any:
    """The id of a task that is to be tried again, or None."""
    return _found(getattr(kwargs.get("request"), "id", None), "task id of the request")


def retrieve_task_id_from_message(kwargs: Mapping[str, Any]) -> Any:
    """The id of a task that is published, or None: in the headers, or with the protocol before Celery 4 in the body."""
    carrier = kwargs.get("headers") or kwargs.get("body")
    return carrier.get("id") if isinstance(carrier, Mapping) else None


def retrieve_reason(kwargs: Mapping[str, Any]) -> Any:
    """Why a task is tried again, or None."""
    return _found(kwargs.get("reason"), "reason")


def _found(value: Any, name: str) -> Any:
    if value is None:
        logger.debug("A signal of Celery came without the %s", name)
    return value
