"""All published metrics with 95 % confidence intervals over subjects, as pure functions of arrays."""
