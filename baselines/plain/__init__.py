"""The embedding itself, at full length or shortened."""
