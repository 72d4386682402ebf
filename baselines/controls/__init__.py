"""Controls: templates that hold nothing, and one that gives its background set away."""
