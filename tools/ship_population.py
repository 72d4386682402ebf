"""Makes the built-in population of a rendered one: ``python tools/ship_population.py POPULATION/faces.npz``.

Embeddings are stored in half precision, with who they show and what is known of them; then the card's figures follow.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from mote_bench.data import arrays, synthetic
from mote_bench.faces import census


def main(faces: Path) -> None:
    """Write ``synthetic_faces.npz`` and the changed lines of its card."""
    stored = arrays.read_npz(faces)
    out = synthetic.FOLDER / synthetic.card()["file"]
    image = [int(Path(name).stem) for name in stored["path"].astype(str)]
    np.savez_compressed(
        out,
        embeddings=stored["embeddings"].astype(np.float16),
        identity=stored["identity"].astype(str),
        image=np.array(image, np.int8),
        gender=stored["gender"].astype(str),
        age=stored["age"].astype(np.float16),
        ethnicity=stored["ethnicity"].astype(str),
    )
    figures = census.measured(
        stored["embeddings"].astype(np.float16),
        stored["identity"].astype(str),
        {name: stored[name].astype(str) for name in ("gender", "ethnicity")},
    )
    people = len(np.unique(stored["identity"]))
    text = synthetic.CARD.read_text(encoding="utf-8")
    for name, value in (
        ("title", f'"{people:,} rendered people who do not exist"'),
        ("sha256", f'"{arrays.checksum(out)}"'),
        ("people", people),
        ("images", len(image)),
        *((name, f"[{one.value:.3f}, {one.low:.3f}, {one.high:.3f}]") for name, one in figures.items()),
    ):
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    synthetic.CARD.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("error: expected one file: python tools/ship_population.py POPULATION/faces.npz")
    main(Path(sys.argv[1]))
