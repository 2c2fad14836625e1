"""What the OTLP exporters share, whatever they send over."""

from ferrotel._portions import with_official

__path__ = with_official(__path__, __name__)
