"""Keeps orders in a PostgreSQL whose URL is the argument. No line of telemetry."""

from __future__ import annotations

import sys

import sqlalchemy
from sqlalchemy import text

engine = sqlalchemy.create_engine(sys.argv[1])
with engine.begin() as connection:
    connection.execute(text("CREATE TEMPORARY TABLE orders (id int, item text)"))
    connection.execute(
        text("INSERT INTO orders VALUES (:id, :item)"), [{"id": 1, "item": "tea"}, {"id": 2, "item": "cup"}]
    )
    print(connection.execute(text("SELECT item FROM orders WHERE id = :id"), {"id": 2}).scalar())
try:
    with engine.connect() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
except sqlalchemy.exc.ProgrammingError as error:
    print(type(error.orig).__name__)
engine.dispose()
