"""Suppression schemes: embeddings changed so that attributes can't be inferred."""
