"""A run: fit, enrol, stage the evidence, attack, score, and keep each cell's record."""
