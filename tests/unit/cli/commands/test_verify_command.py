"""`verify` and `external`: what is found before the run is repeated."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from mote_baselines.plain.cosine import Cosine

from mote_bench import registry
from mote_bench.cli.commands import verify
from mote_bench.contracts import InputError, Status
from mote_bench.engine import runner
from mote_bench.planning.spec import RunSpec
from populations import gaussian_faces


class Narrow(Cosine):
    """A version of the scheme that takes embeddings of 7 numbers only."""

    def enroll(self, references, *, keys, seeds):
        raise ValueError("expected 7 dimensions")


@pytest.fixture
def spec(tmp_path, monkeypatch):
    faces, load = gaussian_faces(200, 4), registry.load
    np.savez(tmp_path / "faces.npz", embeddings=faces.embeddings, identity=faces.identity, **faces.attributes)
    made = {"biohash": Narrow()}
    monkeypatch.setattr(registry, "load", lambda kind, name: made.get(name) or load(kind, name))
    monkeypatch.setattr(runner, "run", lambda *_, **__: pytest.fail("was run"))
    return RunSpec(str(tmp_path / "faces.npz"), "biohash", "svm-bytes", "gender", protocol="quick-1")


def test_a_scheme_that_cannot_take_the_data_here_is_refused_before_the_run(spec):
    with pytest.raises(InputError, match="scheme 'biohash' can't take the run's data here: expected 7 dimensions"):
        verify.rerun(spec, jobs=1, quiet=True)


@pytest.mark.parametrize(("claimed", "refused"), [(Status.OK, True), (Status.UNMEASURED, False)])
def test_a_bundle_that_says_so_itself_is_compared(claimed, refused):
    bundle = SimpleNamespace(records=[SimpleNamespace(status=claimed)])
    with pytest.raises(InputError) if refused else nullcontext():
        verify._check_none_left_out({"biohash": "expected 7 dimensions"}, bundle)
