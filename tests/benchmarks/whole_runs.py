"""What whole runs cost: `make bench-runs` prints seconds by stage and by family of attacks, idle share and memory.

A run on users' own data is named by its options: `whole_runs.py --data faces.npz --schemes all --attacks all`. Seconds
of the clock depend on the machine and on what runs beside; compare those of the processor, on one machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path

from tabulate import tabulate

from mote_bench import api, registry
from mote_bench.contracts import Record
from mote_bench.engine.runner import SHARED_SECONDS
from mote_bench.records import store
from mote_bench.records.runs import RUNS


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", default="synthetic")
    asked.add_argument("--schemes", default="default")
    asked.add_argument("--attacks", default="all")
    asked.add_argument("--protocol", default="people-2")
    asked.add_argument("--people", type=int)
    asked.add_argument("--jobs", type=int, default=2)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        api.run(**vars(options), out=folder)
        clock = time.perf_counter() - start
        took = json.loads((Path(folder) / RUNS).read_text(encoding="utf-8"))["took"]
        records = store.read(Path(folder))
    print(f"{options.data}, --schemes {options.schemes} --attacks {options.attacks}: {len(records)} cells")
    print(
        f"{clock:.0f} s by the clock in all, tasks {took['seconds']:.0f} s with {took['workers']} workers; "
        f"{took['cpu_seconds']:.0f} processor seconds, {took['idle_share']:.0%} idle, "
        f"{took['peak_gigabytes']:.2f} GB in the largest worker"
    )
    for title, seconds in (
        ("stage", took["stage_seconds"]),
        ("family of attacks", by_family(records)),
        ("attack", by_attack(records)),
        ("scheme", by_scheme(records)),
    ):
        rows = sorted(seconds.items(), key=lambda row: -row[1])
        print(tabulate(rows, headers=(title, "s"), floatfmt=".1f"), end="\n\n")


def own_seconds(record: Record) -> float:
    """An attack's seconds without those of its preparations, which others share."""
    return record.cost.get("seconds", 0.0) - record.cost.get(SHARED_SECONDS, 0.0)


def by_attack(records: list[Record]) -> Counter[str]:
    seconds: Counter[str] = Counter()
    for record in records:
        seconds[record.cell.attack] += own_seconds(record)  # type: ignore[assignment]
    return seconds


def by_family(records: list[Record]) -> Counter[str]:
    """By the folder that holds the attacks."""
    modules = {entry.name: entry.module.split(".")[-2] for entry in registry.names("attacks")}
    seconds: Counter[str] = Counter()
    for attack, spent in by_attack(records).items():
        seconds[modules.get(attack, "comparisons")] += spent
    return seconds


def by_scheme(records: list[Record]) -> Counter[str]:
    seconds: Counter[str] = Counter()
    for record in records:
        seconds[record.cell.scheme] += own_seconds(record)  # type: ignore[assignment]
    return seconds


if __name__ == "__main__":
    main()
