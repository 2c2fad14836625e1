"""The task of a celery worker that makes spans; as a program, what sends it so many of them, and waits."""

import os
import sys

import pipeline
from celery import Celery, group

broker = os.environ["FAULTS_BROKER"]
app = Celery("faults", broker=broker, backend=broker)
app.conf.update(broker_connection_retry_on_startup=False, worker_prefetch_multiplier=1)


@app.task(name="work")
def work():
    pipeline.span()
    pipeline.report()


if __name__ == "__main__":
    group(work.s() for _ in range(int(sys.argv[1])))().get(timeout=100)
else:
    pipeline.set_up()
