"""A population of rendered people who don't exist: drawn by seed, rendered by ray casting, with exact labels."""
