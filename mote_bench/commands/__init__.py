"""The subcommands that :mod:`mote_bench.cli` offers besides run, list and board: one file each."""
