"""The harness of `make faults`: real processes on loopback that fork, end and fail, and what becomes of their spans."""
