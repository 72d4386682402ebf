"""The answer of somebody who knows the truth is the best that there is, for each question that has one."""

from __future__ import annotations

import numpy as np
import pytest

from mote_bench.contracts import Evidence, Knowledge
from mote_bench.planning.split import Enrolled
from mote_bench.questions import HowMuch, SamePerson, WhichClass, WhichFace, WhichKeyface, WhichPhoto
from mote_bench.questions.staging import Staged
from populations import aged_faces

FACES = aged_faces(30, 1)
PEOPLE = Enrolled(FACES, None, None, np.empty(0, dtype=np.intp), np.arange(30))
ROWS = np.random.default_rng(0).permutation(30)[:20]
OTHERS = np.random.default_rng(1).permutation(ROWS)
STAGED = Staged(
    Evidence(Knowledge.BYTES_ONLY, templates=(b"",) * 20, others=(b"",) * 20), ROWS, OTHERS, np.arange(20) % 4
)


@pytest.mark.parametrize(
    "question", [WhichClass("age", ("50+", "under 50")), HowMuch("age"), WhichFace(24), SamePerson(), WhichPhoto(4)]
)
def test_it_has_the_shape_of_an_answer(question):
    assert question.best_answer(STAGED, PEOPLE).shape == question.shape(STAGED.evidence)


def test_it_is_the_truth_in_the_order_of_the_templates():
    classes = WhichClass("age", ("50+", "under 50")).best_answer(STAGED, PEOPLE)
    assert (np.array(["50+", "under 50"])[classes.argmax(axis=1)] == FACES.attributes["age"][ROWS]).all()
    assert (HowMuch("age").best_answer(STAGED, PEOPLE)[:, 0] == FACES.values["age"][ROWS]).all()
    assert (WhichFace(24).best_answer(STAGED, PEOPLE) == FACES.embeddings[ROWS]).all()
    assert (OTHERS[SamePerson().best_answer(STAGED, PEOPLE).argmax(axis=1)] == ROWS).all()
    assert (WhichPhoto(4).best_answer(STAGED, PEOPLE).argmax(axis=1) == STAGED.truth).all()


def test_where_no_one_answer_is_the_best_there_is_none():
    assert WhichKeyface(10, 24).best_answer(STAGED, PEOPLE) is None
