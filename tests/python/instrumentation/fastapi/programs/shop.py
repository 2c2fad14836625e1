"""A FastAPI application for uvicorn, without a line of telemetry in its set-up."""

import asyncio
import os

from fastapi import BackgroundTasks, Depends, FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from opentelemetry import trace

app = FastAPI()
tracer = trace.get_tracer("shop")


@app.get("/orders/{order_id}")
async def order(order_id: int):
    with tracer.start_as_current_span("look_up") as span:
        span.set_attribute("order", order_id)
        await asyncio.sleep(0.01)
    return {"id": order_id, "pid": os.getpid()}


def user():
    with tracer.start_as_current_span("user"):
        return "me"


@app.get("/in-a-thread")
def in_a_thread(name: str = Depends(user)):
    with tracer.start_as_current_span("thread"):
        return name


@app.get("/broken")
async def broken():
    raise KeyError("price")


@app.get("/health")
async def health():
    return "well"


@app.get("/stream")
async def stream():
    async def parts():
        for number in range(3):
            with tracer.start_as_current_span(f"part {number}"):
                await asyncio.sleep(0)
                yield f"{number}\n"

    return StreamingResponse(parts())


@app.get("/later")
async def later(tasks: BackgroundTasks):
    def clean():
        with tracer.start_as_current_span("clean"):
            pass

    tasks.add_task(clean)
    return "later"


@app.websocket("/live/{name}")
async def live(socket: WebSocket, name: str):
    await socket.accept()
    async for text in socket.iter_text():
        with tracer.start_as_current_span("echo"):
            await socket.send_text(f"{name} {text}")
