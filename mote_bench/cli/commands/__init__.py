"""The subcommands that :mod:`mote_bench.cli.app` offers besides run, list and board: one file each."""
