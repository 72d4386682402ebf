"""MOTE (arXiv 2505.19920): a small classifier per person instead of a vector."""
