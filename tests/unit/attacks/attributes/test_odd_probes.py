"""Probes that no camera would present."""

import numpy as np
from mote_attacks.attributes.odd_probes import _answered, _kinds


def test_odd_probes_that_are_refused_are_left_out():
    class Refuses:
        def score(self, templates, probes, *, keys):
            if (np.linalg.norm(probes, axis=1) == 0).any():
                raise ZeroDivisionError("no face")
            answers = np.ones((len(templates), len(probes)))
            return np.full_like(answers, np.nan) if (np.linalg.norm(probes, axis=1) > 10).any() else answers

    kinds = list(_kinds(np.eye(8, dtype=np.float32)[:3], np.full(8, 0.1)))
    columns = [answers.shape[1] for answers in _answered(Refuses(), [b"a", b"b"], None, kinds)]
    assert columns == [8, 8, 2, 3, 3, 2, 0, 3, 0]
