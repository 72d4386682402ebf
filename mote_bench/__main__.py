"""``python -m mote_bench``."""

from mote_bench.cli import main

main()
