"""A population of rendered people who don't exist: drawn by seed, photographed by ray casting, labelled exactly."""
