"""The shop: a Flask application that orders from the stock. Nothing in it knows of telemetry.

    opentelemetry-instrument --service_name shop gunicorn shop:app

`STOCK_URL` is where the stock answers, by default http://127.0.0.1:8000.
"""

from __future__ import annotations

import logging
import os

import requests
from flask import Flask, Response, jsonify

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger("shop")
stock = os.environ.get("STOCK_URL", "http://127.0.0.1:8000")
app = Flask(__name__)


@app.get("/order/<item>")
def order(item: str) -> tuple[Response, int]:
    logger.info("order for %s", item)
    answer = requests.post(f"{stock}/stock/{item}/take", timeout=10)
    if answer.ok:
        return jsonify(answer.json()), 200
    logger.warning("order for %s failed", item)
    return jsonify(error=f"the stock answered {answer.status_code}"), 502
