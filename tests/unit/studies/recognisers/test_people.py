"""The subjects of a study across recognisers, read from two files."""

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.studies.recognisers import people
from populations import gaussian_faces


def test_a_mistake_names_the_studys_own_option(tmp_path):
    faces = gaussian_faces(60, 3)
    one = str(tmp_path / "one.npz")
    np.savez(one, embeddings=faces.embeddings, identity=faces.identity, **faces.attributes)
    with pytest.raises(InputError, match=r"^--attacker-recogniser .*one\.npz: the embeddings are those of 'one'"):
        people.read(one, one)
