"""The check that needs a device: training, gradient attacks, embedding and a run agree with the CPU's.

Without CUDA or an Apple device it is skipped; tests/pretended.py stands in for one in the tests of each part. The
limits are those of docs/reliability.md. There they were measured by products that were rounded otherwise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mote_attacks.inversion.gradient import GradientInversion
from mote_attacks.inversion.net_decoders import NetDecoderOfResponses

from commands import mote_bench
from mote_bench.contracts import Evidence, Faces, FloatArray, Knowledge, Shadow
from mote_bench.embedders import facenet, vision
from mote_bench.mote.scheme import MOTE
from mote_bench.planning.device import found
from mote_bench.questions import WhichFace
from mote_bench.records import store
from mote_bench.toolkit import on_device
from portraits import portrait

pytestmark = pytest.mark.device
CORRELATION, COSINE, RATE = 0.999, 0.9999, 0.02
"""Least correlation of a template's scores, least cosine of embeddings and reconstructions, largest gap of rates."""


@pytest.fixture(scope="module")
def there() -> str:
    devices = found()
    if not devices:
        pytest.skip("torch finds neither CUDA nor an Apple device here; where one is: pytest -m device")
    return devices[0]


def cosines(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.einsum("nd,nd->n", one, other) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def test_training_scores_and_attacks(there: str, faces: Faces) -> None:
    background, own = faces.rows(np.arange(400)), faces.rows(np.arange(400, 640, 4))
    probes = faces.rows(np.arange(401, 640, 4)).embeddings
    scheme = MOTE().fit(background, seed=0)
    here = scheme.enroll(own.embeddings, seeds=range(len(own)))
    with on_device(there):
        other = scheme.enroll(own.embeddings, seeds=range(len(own)))
        scores = scheme.score(here, probes)
    expected = scheme.score(here, probes)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    pairs = zip(scheme.score(other, probes), expected, strict=True)
    assert min(np.corrcoef(*pair)[0, 1] for pair in pairs) >= CORRELATION
    shadow = Shadow(own.rows(np.arange(6, len(own))), tuple(here[6:]), None)
    evidence = Evidence(Knowledge.ALGORITHM, tuple(here[:6]), scheme=scheme, public=background, shadow=shadow)
    for attack in (GradientInversion(), NetDecoderOfResponses()):
        question = WhichFace(own.embeddings.shape[1])
        on_cpu = attack.answer(question, evidence, np.random.default_rng(0))
        with on_device(there):
            on_it = attack.answer(question, evidence, np.random.default_rng(0))
        assert cosines(on_cpu, on_it).min() >= COSINE


def test_embedding(there: str, tmp_path: Path) -> None:
    import torch

    vision.ready()
    from facenet_pytorch import InceptionResnetV1

    with torch.random.fork_rng():
        torch.manual_seed(0)
        torch.save(InceptionResnetV1(pretrained=None).state_dict(), tmp_path / "weights.pt")
    pictures = [portrait(0), portrait(1), portrait(2)]

    def embedded() -> FloatArray:
        return np.array([one.embedding for one in facenet.vggface2(tmp_path / "weights.pt").embed(pictures) if one])

    expected = embedded()
    with on_device(there):
        assert cosines(embedded(), expected).min() >= COSINE


def test_a_run(there: str, tmp_path: Path) -> None:
    options = ("--protocol", "quick-1", "--schemes", "mote", "--attacks", "gradient-answers", "--people", "240")
    made = {}
    for device in ("cpu", there):
        result = mote_bench("run", *options, "--jobs", "1", "--device", device, "--out", device, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        made[device] = {record.cell: record for record in store.read(tmp_path / device)}
    assert made["cpu"].keys() == made[there].keys()
    for cell, record in made[there].items():
        assert (record.provenance["device"], "device" in made["cpu"][cell].provenance) == (there, False)
        for mine, theirs in zip(record.measurements, made["cpu"][cell].measurements, strict=True):
            if cell.question != "cost" and theirs.low is not None and 0 <= theirs.value <= 1:
                assert mine.value == pytest.approx(theirs.value, abs=RATE), (cell, theirs.metric)
