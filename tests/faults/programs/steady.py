"""A program that makes spans for some seconds, at a rate, and exits: what it feels of a bad collector."""

import resource
import sys
import threading
import time

import pipeline


def steady(seconds, rate):
    """So many spans a second, one by one where there is time, in small groups where there is not."""
    make = pipeline.span if rate <= 5000 else pipeline.fast_span
    start = last = time.perf_counter()
    owed = 0.0
    while last - start < seconds:
        now = time.perf_counter()
        # What a busy machine took away is not made up for: that would be a peak, not a rate.
        owed = min(owed + (now - last) * rate, 0.01 * rate + 1)
        last = now
        while owed >= 1:
            make()
            owed -= 1
        time.sleep(0.002)


def flat_out(seconds, threads):
    """As many as the threads can make."""
    end = time.perf_counter() + seconds

    def work():
        while time.perf_counter() < end:
            for _ in range(100):
                pipeline.fast_span()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


how, seconds, number = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
pipeline.set_up(delay_millis=int(sys.argv[4]) if sys.argv[4:] else 500)
pipeline.span()
pipeline.stall = 0.0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
{"steady": steady, "flat_out": flat_out}[how](seconds, number)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
pipeline.ending(grown=grown * 1024)
