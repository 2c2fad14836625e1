"""Langfuse's first steps: observations, the decorator on functions and generators, attributes that propagate."""

import asyncio
import os
from typing import AsyncIterator, Iterator

from langfuse import Langfuse, get_client, observe, propagate_attributes
from whence import tell

from opentelemetry import trace

langfuse = Langfuse(public_key="pk-lf-local", secret_key="sk-lf-local", host=os.environ["BACKEND"])
with langfuse.start_as_current_observation(as_type="span", name="process-request") as span:
    current = trace.get_current_span()
    with langfuse.start_as_current_observation(
        as_type="generation", name="llm", model="a-model", input={"q": 1}
    ) as generation:
        generation.update(output="answer", usage_details={"input": 3, "output": 4})
    span.update(output="done", metadata={"a": 1})


@observe()
def work(x: int) -> int:
    return inner(x) + 1


@observe(as_type="generation")
def inner(x: int) -> int:
    get_client().update_current_generation(model="another")
    return x


with propagate_attributes(user_id="u1", session_id="s1"):
    answer = work(1)


@observe()
def count() -> Iterator[int]:
    yield 1
    yield 2


@observe()
async def fails() -> AsyncIterator[int]:
    yield 1
    raise RuntimeError("broken")


async def consume() -> list:
    got = []
    try:
        async for number in fails():
            got.append(number)
    except RuntimeError as error:
        got.append(str(error))
    return got


numbers = list(count())
got = asyncio.run(consume())
langfuse.flush()
langfuse.shutdown()
tell(current, answer=answer, numbers=numbers, got=got)
