"""Dictionary attacks: a few faces that match many subjects."""
