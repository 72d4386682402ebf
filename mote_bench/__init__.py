"""mote-bench: what a face template gives away, measured by the strongest attack that answers the question."""

__version__ = "0.1.0"
