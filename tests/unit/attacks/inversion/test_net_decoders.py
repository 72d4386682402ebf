"""A net decodes what no linear map does."""

import numpy as np
from mote_attacks.inversion.net_decoders import NetDecoderOfBytes

from mote_bench.contracts import Evidence, Faces, Knowledge, Shadow
from mote_bench.questions import WhichFace
from mote_bench.toolkit import unit


def as_bytes(table):
    return tuple(row.astype("<f4").tobytes() for row in table)


def test_a_net_decodes_what_bends():
    """The values are the magnitudes of an embedding's projections on a few axes and their signs apart: a product."""
    rng, d = np.random.default_rng(4), 6
    faces = unit(rng.standard_normal((700, d)))
    flips = rng.choice([-1.0, 1.0], (700, 1))
    table = np.hstack([faces * flips, np.repeat(flips, 2, axis=1)])
    stored = as_bytes(table)
    shadow = Shadow(Faces(faces[:600]), stored[:600], None)
    evidence = Evidence(Knowledge.ALGORITHM, stored[600:], public=Faces(faces[:300]), shadow=shadow)
    found = NetDecoderOfBytes().answer(WhichFace(d), evidence, np.random.default_rng(0))
    from mote_attacks._shared.ridge import fit_ridge

    straight = fit_ridge(table[:600], faces[:600]).predict(table[600:])
    mean = faces[:300].mean(axis=0)
    truth = unit(faces[600:] - mean)
    bent, plain = (float((unit(one) * truth).sum(axis=1).mean()) for one in (found - mean, straight))
    assert bent > plain + 0.2
