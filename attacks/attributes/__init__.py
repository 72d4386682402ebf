"""Attacks that infer a soft-biometric class of each target subject."""
