"""Biometric cryptosystems: a secret is released to a probe near enough to the reference, and checked by its hash."""
