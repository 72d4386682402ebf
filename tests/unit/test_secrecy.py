"""Templates, keys and embeddings stay out of what is written about a run, also when a plug-in raises with them."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_runner import ASKED, setting_of

from mote_bench.contracts import Status
from mote_bench.engine import runner
from mote_bench.execution.redaction import redacted
from mote_bench.records import store


class TellsAll:
    """A scheme that puts all it holds into its error."""

    revocable = True

    def fit(self, background, *, seed):
        return self

    def enroll(self, references, *, keys, seeds):
        return [row.tobytes() for row in np.asarray(references, dtype=np.float32)]

    def score(self, templates, probes, *, keys):
        told = [templates[0], templates[0].hex(), base64.b64encode(templates[0]).decode(), keys[0], keys[0].hex()]
        raise ValueError(f"can't compare {told} with {probes[0].tolist()} or {probes[0]}; probes were {probes.shape}")


def forms(secret):
    """How bytes may stand in a text, cut into pieces so that a part of one is found too."""
    whole = (repr(secret)[2:-1], secret.hex(), base64.b64encode(secret).decode())
    return [text[start : start + 24] for text in whole for start in range(0, len(text) - 24, 24)]


def test_an_error_tells_no_secret(tmp_path, monkeypatch):
    setting = setting_of(monkeypatch, replace(ASKED, attacks="vote-answers", questions="verify"))
    plan = replace(setting.plan, schemes=setting.plan.schemes | {"biohash": TellsAll()})
    store.prepare(tmp_path)
    made = runner.run(replace(setting, plan=plan), tmp_path, jobs=1, progress=lambda *_: None)
    failed = [record for record in made.records if record.cell.scheme == "biohash"]
    assert failed
    assert {record.status for record in failed} == {Status.FAILED}
    assert all("can't compare" in record.error for record in failed)
    assert all("probes were" in record.error for record in failed)
    written = "\n".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    faces = setting.data.faces.embeddings
    assert len(written) > 1000
    for row in faces:
        assert not any(form in written for form in forms(row.tobytes())[:40])
    # No coordinate of anybody is told: nine digits of it nowhere, and seven, as numpy prints, in no error.
    errors = "\n".join(record.error for record in failed)
    for value in np.abs(faces[:, :8]).astype(float).ravel():
        assert f"{value:.17f}"[:11] not in written
        assert f"{value:.17f}"[:9] not in errors


@given(secret=st.binary(min_size=16, max_size=80))
def test_bytes_in_any_common_form(secret):
    text = redacted(f"before {secret!r} and {secret.hex()} after")
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert secret.hex() not in text
    assert repr(secret) not in text or secret == b"..."


@pytest.mark.parametrize(
    "text",
    [
        "answer has shape (1, 1); expected (75, 2)",
        '  File "/usr/lib/python3.11/site-packages/numpy/linalg.py", line 12, in norm',
        "ValueError: 3 of 400 scores are NaN or infinite; expected one or more, all finite",
    ],
)
def test_plain_words_stay(text):
    assert redacted(text) == text
