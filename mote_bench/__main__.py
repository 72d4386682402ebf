"""``python -m mote_bench``."""

from mote_bench.cli.app import main

main()
