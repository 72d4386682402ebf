"""Attacks that infer who was in the background set."""
