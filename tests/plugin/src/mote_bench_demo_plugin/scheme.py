"""Signs of a public random projection: templates of 32 bytes, without a key."""

import numpy as np

from mote_bench.contracts import HalfSpaces
from mote_bench.toolkit import stream


class Signs:
    """The side of 256 public random planes that the embedding is on; score: share of planes with equal sides.

    An attacker who steals the template knows the planes, and so a cone around the embedding.
    Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002.
    """

    def fit(self, background, *, seed):
        self.planes = stream(seed, "planes").standard_normal((background.embeddings.shape[1], 256)).astype(np.float32)
        return self

    def likelihood(self, templates, *, keys):
        for template in templates:
            sides = 2 * np.unpackbits(np.frombuffer(template, dtype=np.uint8)).astype(np.float32) - 1
            yield HalfSpaces(sides[:, None] * self.planes.T, np.zeros(256))

    def enroll(self, references, *, keys, seeds):
        return [np.packbits(sides).tobytes() for sides in references @ self.planes > 0]

    def score(self, templates, probes, *, keys):
        if any(len(template) != 32 for template in templates):
            raise ValueError("a template has a wrong length; expected 32 bytes")
        stored = np.unpackbits(np.frombuffer(b"".join(templates), dtype=np.uint8)).reshape(-1, 1, 256)
        return (stored == (probes @ self.planes > 0)).mean(axis=2)
