"""The stock: a FastAPI application that counts in a database. Nothing in it knows of telemetry.

    opentelemetry-instrument --service_name stock uvicorn stock:app

`STOCK_DATABASE` is SQLAlchemy's URL of the database, by default the file stock.db here.
"""

from __future__ import annotations

import logging
import os

from fastapi import FastAPI
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, select, update

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger("stock")
items = Table("items", MetaData(), Column("name", String, primary_key=True), Column("count", Integer))
engine = create_engine(os.environ.get("STOCK_DATABASE", "sqlite:///stock.db"))
items.metadata.drop_all(engine)
items.metadata.create_all(engine)
with engine.begin() as filling:
    filling.execute(items.insert(), [{"name": "apple", "count": 12}, {"name": "pear", "count": 0}])
app = FastAPI()


@app.post("/stock/{item}/take")
def take(item: str) -> dict:
    with engine.begin() as connection:
        count = connection.execute(select(items.c.count).where(items.c.name == item)).scalar()
        if count is None:
            logger.error("no %s is known here", item)
            raise KeyError(item)  # answered with 500, and the span shows it
        if count == 0:
            logger.warning("%s is out of stock", item)
        else:
            connection.execute(update(items).where(items.c.name == item).values(count=count - 1))
            logger.info("%d of %s in stock", count, item)
    return {"item": item, "stock": count}
