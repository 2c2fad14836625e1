"""Two services without a line of telemetry: `front` asks `stock`, both at once and one after the other."""

import asyncio
import os

import httpx
from fastapi import FastAPI

front = FastAPI()
stock = FastAPI()
client = httpx.AsyncClient(base_url=os.environ.get("STOCK", ""))


@front.get("/orders/{order_id}")
async def order(order_id: int):
    answers = await asyncio.gather(client.get(f"/items/{order_id}"), client.get(f"/items/{order_id + 1}"))
    return [answer.json() for answer in answers]


@front.get("/in-a-thread/{order_id}")
def in_a_thread(order_id: int):
    return httpx.get(f"{os.environ['STOCK']}/items/{order_id}").json()


@stock.get("/items/{item_id}")
async def item(item_id: int):
    return item_id
