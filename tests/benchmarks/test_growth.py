"""How the time of attacks grows with the number of people: 100, 200 and 400 target subjects, one attacker."""

import numpy as np
import pytest
from mote_baselines.cancelable.biohash import BioHash
from planted import load, make_world, question_of, steal

from mote_bench.contracts import Knowledge

NAMES = ["ridge-answers", "logistic-answers", "search-answers", "kernel-answers", "svm-bytes", "closed-form-bytes"]
NAMES += ["traces-bytes", "odd-answers", "net-answers"]


@pytest.mark.parametrize("people", [100, 200, 400])
@pytest.mark.parametrize("name", NAMES)
def test_growth(benchmark, name, people):
    world = make_world(public=300, shadow=150, target=people, dimension=64)
    attack = load(name)
    evidence = steal(BioHash(), world, Knowledge.ALGORITHM)
    benchmark.group = name
    question = question_of(attack, world)
    benchmark.pedantic(
        attack.answer, args=(question, evidence), kwargs={"rng": np.random.default_rng(0)}, rounds=3, warmup_rounds=1
    )
