"""Traceloop's first steps: a workflow whose task asks a model, here a server that stands in for OpenAI's."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from traceloop.sdk import Traceloop
from traceloop.sdk.decorators import task, workflow
from traceloop.sdk.instruments import Instruments

Traceloop.init(
    app_name="shop",
    api_endpoint=os.environ["BACKEND"],
    api_key="secret",
    telemetry_enabled=False,
    traceloop_sync_enabled=False,
    instruments={Instruments.OPENAI},
)

import openai  # noqa: E402
from whence import tell  # noqa: E402

from opentelemetry import metrics, trace  # noqa: E402


class Model(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "a joke"}}
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        answer = {"id": "1", "object": "chat.completion", "created": 1, "model": "a-model", "choices": [choice]}
        encoded = json.dumps({**answer, "usage": usage}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: object) -> None:
        pass


server = HTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = openai.OpenAI(api_key="local", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=0)


@task(name="joke")
def joke() -> str:
    asked = [{"role": "user", "content": "tell me one"}]
    return client.chat.completions.create(model="a-model", messages=asked).choices[0].message.content


@workflow(name="entertain")
def entertain() -> tuple:
    Traceloop.set_association_properties({"user_id": "u1"})
    return joke(), trace.get_current_span()


answer, current = entertain()
trace.get_tracer_provider().force_flush()
metrics.get_meter_provider().force_flush()
tell(current, answer=answer)
