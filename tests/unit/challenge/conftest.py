"""A small challenge, made once for all tests of its room, and its two folders."""

from __future__ import annotations

import numpy as np
import pytest

from challenges import Challenge, spec_of
from mote_bench.challenge import files
from mote_bench.challenge.dealing import Wishes
from mote_bench.challenge.making import make
from mote_bench.challenge.opening import Opened
from populations import gaussian_faces


@pytest.fixture(scope="session")
def people_file(tmp_path_factory):
    """640 generated people, under names that a real data set could have."""
    faces = gaussian_faces(640, 4, dimension=16)
    path = tmp_path_factory.mktemp("data") / "staff.npz"
    names = np.char.add("Employee ", faces.identity)
    np.savez(path, embeddings=faces.embeddings, identity=names, **faces.attributes)
    return path


@pytest.fixture(scope="session")
def challenge(people_file, tmp_path_factory):
    made = make(Wishes(spec_of(people_file), "all"), jobs=1)
    folder = tmp_path_factory.mktemp("challenge")
    files.write_folder(folder / "secret", made.secret, private=True)
    files.write_folder(folder / "public", made.public)
    return Challenge(made, folder / "public", folder / "secret", people_file)


@pytest.fixture(scope="session")
def opened(challenge):
    return Opened.at(challenge.public)
