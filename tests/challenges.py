"""What tests of challenges share: the organiser's wishes and the folders of a challenge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mote_bench.challenge.making import Made
from mote_bench.planning.spec import RunSpec

SEED = 31415926535897932384626433832795


@dataclass(frozen=True)
class Challenge:
    """A challenge in memory, and where its parts are."""

    made: Made
    public: Path
    secret: Path
    data: Path

    def tasks(self, **wanted):
        """The tasks with these fields."""
        return [
            task
            for task in self.made.manifest.tasks
            if all(getattr(task, name) == value for name, value in wanted.items())
        ]


def spec_of(data, **more):
    """Two small schemes, one with keys, on a file."""
    given = {"schemes": "cosine,biohash", "questions": "gender,reconstruct,link", "protocol": "quick-1", "seed": SEED}
    return RunSpec(str(data), data_file=None, **given | more)
