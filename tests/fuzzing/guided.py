"""Fuzzing of every parser, guided by coverage: `make fuzz-guided` runs it for an hour and keeps what it finds.

Needs atheris (`pip install atheris`), which has wheels for Linux and Python 3.11 to 3.13.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["mote_bench", "fuzzing"]):
    from fuzzing import parsers


def main() -> None:
    """``guided.py SECONDS``; a crash leaves its input in crash-* and ends with an error."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 3600
    parsers.CORPUS.mkdir(exist_ok=True)
    for number, data in enumerate(parsers.sound()):
        (parsers.CORPUS / f"sound-{number}").write_bytes(data)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-rss_limit_mb=4000",
        "-timeout=30",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(parsers.CORPUS)], parsers.read)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
