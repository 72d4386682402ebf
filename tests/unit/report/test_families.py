"""Families of schemes: by folder for built-in ones, by package for others, and none is lost."""

from __future__ import annotations

from mote_bench.report import families
from mote_bench.report.families import OTHER, family_of, in_families


def test_built_in_schemes_are_of_their_folders_family():
    found = {name: family_of(name) for name in ("biohash", "leace", "mote-linear", "cosine", "noise", "ckks")}
    assert found == {
        "biohash": "cancelable schemes",
        "leace": "suppression schemes",
        "mote-linear": "model templates (MOTE)",
        "cosine": "plain vectors",
        "noise": "controls",
        "ckks": "encrypted schemes",
    }
    assert family_of("no-such-scheme") == OTHER


def test_every_built_in_family_has_words():
    assert not {family for family in families._families().values() if family.isidentifier()} - {
        "controls",
        "cryptosystems",
        "fairness",
    }


def test_the_order_of_schemes_is_kept_within_families():
    assert in_families(["mote", "biohash", "no-such", "mote-linear", "iom-grp"]) == {
        "model templates (MOTE)": ["mote", "mote-linear"],
        "cancelable schemes": ["biohash", "iom-grp"],
        OTHER: ["no-such"],
    }
