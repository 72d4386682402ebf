"""Pictures reconstructed from templates of the built-in subjects."""
