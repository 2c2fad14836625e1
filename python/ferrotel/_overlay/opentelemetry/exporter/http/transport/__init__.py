"""HTTP clients that an exporter may be told to use instead of the engine's own."""
