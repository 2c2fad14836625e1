"""A service that makes one span for each request: ASGI for uvicorn, WSGI for gunicorn."""

import os

import pipeline

if os.environ.get("FAULTS_SET_UP") == "auto":
    pipeline.use_what_there_is()
else:
    pipeline.set_up()


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    pipeline.span()
    pipeline.report()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def wsgi(environ, start_response):
    pipeline.span()
    pipeline.report()
    start_response("200 OK", [("content-length", "2")])
    return [b"ok"]
