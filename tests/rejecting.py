"""A yes-or-no scheme that no query passes."""

import numpy as np
from mote_baselines.plain.cosine import Cosine


class RejectsAll(Cosine):
    """Scores are 0, whatever is presented."""

    def score(self, templates, probes, *, keys):
        return np.zeros((len(templates), len(probes)), dtype=np.float32)
