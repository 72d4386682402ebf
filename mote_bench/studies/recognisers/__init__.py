"""Attackers without the attacked recogniser: templates translated to another one's space, and clusters of templates."""
