"""An open challenge for attackers: stolen databases to give out, answers that come back, and how they are scored."""
