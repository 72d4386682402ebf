"""Attacks that infer which subjects were in the background set."""
