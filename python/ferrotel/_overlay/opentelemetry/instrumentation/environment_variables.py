"""Names of the environment variables that steer auto-instrumentation. Each is a flag of `opentelemetry-instrument`
too."""

OTEL_PYTHON_DISABLED_INSTRUMENTATIONS = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
"""Entry point names of instrumentations to leave out, with commas between them; `*` leaves out all. Default: none."""

OTEL_PYTHON_DISTRO = "OTEL_PYTHON_DISTRO"
"""Entry point name of the distro to use. Default: the first that is found."""

OTEL_PYTHON_CONFIGURATOR = "OTEL_PYTHON_CONFIGURATOR"
"""Entry point name of the configurator to use. Default: the first that is found."""

OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH = (
    "OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH"
)
"""`patch_all`, the only value, has gevent patch the standard library before anything is instrumented. Default: no
patch."""

OTEL_SEMCONV_STABILITY_OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
"""Which generation of semantic conventions instrumentations follow: `http`, `http/dup`, `database`, `database/dup` and
`gen_ai_latest_experimental`, with commas between them. Default: the old generation."""
