"""What the OTLP exporters share, whatever they send over."""
