"""The reference's own test suites, run on ferrotel: see README.md. `make conformance` runs it."""
