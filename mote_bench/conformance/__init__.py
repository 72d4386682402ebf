"""The conformance kit behind mote_bench.testing: checks of schemes and of attacks, and what they report."""
