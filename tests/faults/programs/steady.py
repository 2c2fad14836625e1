"""A program that makes spans for some seconds, at a rate, and exits: what it feels of a bad collector."""

import resource
import sys
import threading
import time

import pipeline


def steady(seconds, rate):
    """So many spans a second, one by one where there is time, in small groups where there is not."""
    start = time.perf_counter()
    made = 0
    while True:
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            break
        due = int(elapsed * rate)
        while made < due:
            pipeline.span()
            made += 1
        time.sleep(0.002)


def flat_out(seconds, threads):
    """As many as the threads can make."""
    end = time.perf_counter() + seconds

    def work():
        while time.perf_counter() < end:
            pipeline.spans(100)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


how, seconds, number = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
pipeline.set_up(delay_millis=500)
pipeline.span()
pipeline.stall = 0.0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{"steady": steady, "flat_out": flat_out}[how](seconds, number)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
pipeline.ending(grown=grown * 1024)
