"""The form of records, and what they share."""

import numpy as np
from mote_attacks.attributes.lengths_and_repeats import _form, _shared_words


def test_shared_words_by_hand():
    """Of four records two share the first word, all the second (the format), none the third."""
    records = [bytes([first]) * 8 + b"formatXY" + bytes([i]) * 8 for i, first in enumerate((1, 1, 2, 3))]
    np.testing.assert_array_equal(_shared_words(records, 4), [[1], [1], [0], [0]])
    assert _shared_words([b"short", b"other"], 2).shape == (2, 0)


def test_form_is_length_and_packed_length():
    table = _form([b"\0" * 100, bytes(range(100))])
    assert table[:, 0].tolist() == [100, 100]
    assert table[0, 1] < 30 < table[1, 1]
