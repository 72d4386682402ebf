"""Attacks that infer a soft-biometric number of each target subject."""
