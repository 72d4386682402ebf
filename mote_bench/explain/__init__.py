"""Explains why a template accepted or rejected a probe: attributions through a surrogate, and their faithfulness."""
