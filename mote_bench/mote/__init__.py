"""MOTE (arXiv 2505.19920): a small classifier for each subject instead of a vector."""
