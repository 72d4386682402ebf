"""Plain embeddings whose scores are normalised."""
