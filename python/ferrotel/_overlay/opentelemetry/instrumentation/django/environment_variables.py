"""The environment variable of this instrumentation that has a name in the code."""

OTEL_PYTHON_DJANGO_INSTRUMENT = "OTEL_PYTHON_DJANGO_INSTRUMENT"
"""`False` has `DjangoInstrumentor().instrument()` do nothing."""
