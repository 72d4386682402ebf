"""What attacks on several questions share: classifiers, regression, priors, probing and inversion."""
