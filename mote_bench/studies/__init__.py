"""Studies: tables of their own beside the boards, each a command `python -m mote_bench study NAME`."""
