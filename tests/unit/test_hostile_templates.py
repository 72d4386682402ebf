"""A stolen or spoilt record is data: whatever its bytes, a scheme scores it or raises ValueError, and lives on."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from mote_bench import registry
from mote_bench.contracts import NOISE_LEVELS
from mote_bench.toolkit import revocable, stream, stream_seed
from populations import gaussian_faces

SCHEMES = [entry.name for entry in registry.names("schemes") if entry.name not in NOISE_LEVELS[1:]]
"""Of the levels of noise one, as they differ by one number alone."""
FEW, MANY = 300, 1_000_000
SHORT_KEYS = {"lightphe-paillier": {"key_bits": 256}}
"""Instead of keys with which one record takes a second to decrypt. The same code reads the records."""


def mutated(sound: list[bytes], rng: np.random.Generator) -> bytes:
    """A sound template with a few bytes changed, cut, doubled, moved or put in; or bytes that never were one."""
    whole = bytearray(sound[rng.integers(len(sound))])
    if not whole or rng.random() < 0.1:
        return rng.bytes(int(rng.integers(0, 200)))
    for _ in range(rng.integers(1, 5)):
        at = int(rng.integers(0, len(whole) + 1))
        length = int(rng.choice([1, 2, 4, 8, 64]))
        match rng.integers(6):
            case 0:
                whole[at : at + length] = rng.bytes(len(whole[at : at + length]))
            case 1:
                del whole[at : at + length]
            case 2:
                whole[at:at] = rng.bytes(length)
            case 3:
                whole[at : at + length] = bytes([rng.choice([0, 255, 127, 128])]) * len(whole[at : at + length])
            case 4:
                whole += whole[:length]
            case 5:
                # Floats that aren't numbers, and integers at the border.
                special = [np.float32(np.nan), np.float32(np.inf), np.float32(-3e38), np.int32(-1), np.int32(2**31 - 1)]
                at -= at % 4
                whole[at : at + 4] = special[rng.integers(len(special))].tobytes()
    return bytes(whole)


def attacked(name: str, count: int) -> int:
    """Ask ``count`` mutated records for scores; how many were refused."""
    people = gaussian_faces(60, 2, dimension=128)
    scheme = registry.factory("schemes", name)(**SHORT_KEYS.get(name, {})).fit(people.rows(np.arange(40, 120)), seed=0)
    references, probe = people.embeddings[:6], people.embeddings[6:7]
    keys = [bytes([k]) * 32 for k in range(6)] if revocable(scheme) else None
    sound = scheme.enroll(references, keys=keys, seeds=[stream_seed(0, "person", k) for k in range(6)])
    rng, refused = stream(0, "fuzz", name), 0
    one_key = None if keys is None else keys[:1]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(count):
            record = mutated(sound, rng)
            try:
                answer = np.asarray(scheme.score([record], probe, keys=one_key))
            except ValueError:
                refused += 1
                continue
            assert answer.shape == (1, 1), (name, record)
        assert np.isfinite(scheme.score(sound, probe, keys=keys)).all()  # nothing of it stayed
    return refused


@pytest.mark.parametrize("name", SCHEMES)
def test_mutated_templates(name):
    attacked(name, FEW)


@pytest.mark.hour
def test_a_million_templates():
    each = -(-MANY // len(SCHEMES))
    refused = {name: attacked(name, each) for name in SCHEMES}
    print(f"{each * len(SCHEMES):,} records; refused with ValueError: {refused}")
