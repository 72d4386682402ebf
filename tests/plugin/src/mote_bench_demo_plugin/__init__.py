"""A scheme and an attack for mote-bench, as a third party would ship them."""
