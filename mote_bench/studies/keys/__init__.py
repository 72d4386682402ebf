"""Regimes of keys: what templates give away where keys are shared, numbered, or stolen of some subjects."""
