"""Attacks that reconstruct the enrolled embedding."""
