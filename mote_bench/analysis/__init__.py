"""Figures of boards and gates, computed from records: strongest attacks, standings, comparisons."""
