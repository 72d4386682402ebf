"""Attacks that link the templates of two stolen databases."""
