"""What gunicorn serves for benches/web.py. Not a line of telemetry."""

from __future__ import annotations

from typing import Any

from flask import Flask

app = Flask(__name__)


@app.get("/health")
def health() -> Any:
    return "well"


@app.get("/orders")
def orders() -> Any:
    return []


@app.get("/orders/<int:order_id>")
def order(order_id: int) -> Any:
    return {"id": order_id, "state": "paid"}
