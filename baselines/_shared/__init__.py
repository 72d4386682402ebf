"""What schemes of several families share: keys, centring, and templates as vectors or packed integers."""
