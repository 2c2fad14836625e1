"""What uvicorn serves for benches/web.py. Not a line of telemetry."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

app = FastAPI()


@app.get("/health")
async def health() -> Any:
    return "well"


@app.get("/orders")
async def orders() -> Any:
    return []


@app.get("/orders/{order_id}")
async def order(order_id: int) -> Any:
    return {"id": order_id, "state": "paid"}
