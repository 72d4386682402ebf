"""Cancelable schemes: transforms under a secret key of each subject."""
