"""Controls: templates that hold no information, and a scheme that leaks its background set."""
