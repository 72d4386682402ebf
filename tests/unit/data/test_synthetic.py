"""The built-in population is the one on its card."""

from mote_bench.data import synthetic


def test_it_is_what_its_card_says():
    data, card = synthetic.load(), synthetic.card()
    assert data.checksum == card["sha256"]
    assert len(set(data.faces.identity.tolist())) == card["people"] == 600
    assert len(data.faces) == card["images"]
    assert list(data.faces.attributes) == ["gender", "age", "ethnicity"]
    assert set(data.faces.attributes["ethnicity"].tolist()) == {"african", "asian", "caucasian"}
