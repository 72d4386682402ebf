"""What parts of stored templates give away: half of the bytes, a few values, a few bits of each value."""
