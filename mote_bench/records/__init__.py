"""Records on disk: how they are written, read, checked, packed, submitted and traced to code and data."""
