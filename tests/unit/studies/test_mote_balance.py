"""Sweeps over the share of the own group: a table, of classes and of a number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mote_bench.contracts import InputError
from mote_bench.mote.fair import OWN_SHARES, FairMOTE
from mote_bench.mote.scheme import MOTE
from mote_bench.planning.protocol import load
from mote_bench.planning.split import split
from mote_bench.studies import mote_balance as balance
from populations import aged_faces, gaussian_faces


def test_a_sweep_is_a_table(monkeypatch):
    monkeypatch.setattr(balance, "MOTE", lambda **options: MOTE(**options, epochs=2))
    monkeypatch.setattr(balance, "FairMOTE", lambda **options: FairMOTE(**options, epochs=2))
    parts = split(gaussian_faces(200, 4, dimension=24), load(), seed=0)
    lines = balance.sweep(parts, "gender")
    text = balance.render("generated", "gender", lines)
    assert len(lines) == 4 + len(OWN_SHARES)
    for word in ("cosine", "0.25 of the own group", "mote-fair (tuned:", "fdr gender", "fnmr gender female"):
        assert word in text


def test_a_sweep_of_solved_nets_trains_none(monkeypatch):
    """With any number of groups: here age, of two."""
    monkeypatch.setattr(balance, "MOTE", None)
    parts = split(gaussian_faces(200, 4, dimension=24), load(), seed=0)
    lines = balance.sweep(parts, "age", solved=True)
    assert lines[-1].name == "mote-solved, 1 of the own group"
    assert "--attribute age --solved" in balance.render("generated", "age", lines, solved=True)


def test_a_sweep_by_a_number_says_how_errors_rise_with_it():
    parts = split(aged_faces(240, 4), load(), seed=0)
    lines = balance.sweep(parts, "age", solved=True)
    table = balance.render("generated", "age", lines, solved=True)
    assert "fnmr rise over age" in table
    assert "without an edge" in table
    assert all("fmr_rise_over_age" in line.rises[-1].name for line in lines)


def test_a_sweep_over_people_of_unknown_age_says_so():
    faces = aged_faces(240, 4)
    parts = split(faces, load(), seed=0)
    people = parts.target.references
    unknown = replace(people, values={"age": np.full(len(people), np.nan)})
    with pytest.raises(InputError, match="0 people whose age is known"):
        balance.sweep(replace(parts, target=replace(parts.target, references=unknown)), "age", solved=True)
