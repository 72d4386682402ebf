"""Attacks that find which of several photos was enrolled."""
