"""Benchmark versions, one TOML file each; frozen once published."""
