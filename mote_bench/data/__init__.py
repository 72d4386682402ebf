"""The data sets that the suite knows, and how a user's own are loaded."""
