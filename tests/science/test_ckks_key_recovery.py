"""Scores of CKKS in full precision give the system's secret key (Li & Micciancio, EUROCRYPT 2021, eprint 2020/1533).

Who decrypts a ciphertext ``(c0, c1)`` gets ``m = c0 + c1 s`` in the ring of polynomials modulo ``X^N + 1`` and q, where
s is the secret key. The noise of encryption is part of m. So somebody who holds the ciphertext and learns *all* of m
exactly solves ``s = (m - c0) / c1``. Here they hold one stolen template, and present probes to the running system.

The packing decides what scores say of m. A probe that is the unit vector ``e_i``, presented N / d times in one call,
becomes a polynomial of N / d equal coefficients. Its k-th score is ``sum_b +-m[b d + i]``, in units of the scale: a
convolution with ``1 + X^d + X^2d + ...``, whose inverse modulo ``X^N + 1`` is ``(1 - X^d) / 2``. So N scores give all N
coefficients of m, of which the first d hold the face and the others nothing but noise. A score has the size of a value
of the embedding, and single precision holds it to the last digit while that is below 1/4.

A system that compares one probe at a time keeps the noise of the other coefficients back: the score of ``e_i`` is the
i-th coefficient, of which d are learned. Each is one equation in the key. So N / d stolen templates give N equations,
which are solved modulo q.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from mote_baselines.encrypted import seal_library
from mote_baselines.encrypted.ckks import CKKS

from mote_bench.contracts import Faces, FloatArray, Template
from mote_bench.toolkit import unit

D, N, SCALE = 128, 2048, 2.0**26

Whole = npt.NDArray[np.int64]


class Ring:
    """Polynomials of N whole coefficients modulo ``X^N + 1`` and a prime q for which 2 N divides q - 1."""

    def __init__(self, q: int) -> None:
        self.q = q
        roots = (pow(number, (q - 1) // (2 * N), q) for number in range(2, q))
        self._root = next(root for root in roots if pow(root, N, q) == q - 1)
        self._turns = [pow(self._root, power, q) for power in range(N)]

    def values(self, polynomial: list[int]) -> list[int]:
        """At the N roots of ``X^N + 1``: products and quotients are taken value by value."""
        turned = [one * turn % self.q for one, turn in zip(polynomial, self._turns, strict=True)]
        return self._transformed(turned, self._root**2 % self.q)

    def polynomial(self, values: list[int]) -> list[int]:
        """The coefficients about zero of the polynomial that has these values."""
        back = self._transformed(values, pow(self._root, -2, self.q))
        whole = [one * pow(N * turn, -1, self.q) % self.q for one, turn in zip(back, self._turns, strict=True)]
        return [one - self.q if one > self.q // 2 else one for one in whole]

    def _transformed(self, rows: list[int], root: int) -> list[int]:
        if len(rows) == 1:
            return rows
        even, odd = (self._transformed(rows[place::2], root**2 % self.q) for place in (0, 1))
        turned = [one * pow(root, place, self.q) % self.q for place, one in enumerate(odd)]
        sums = [(one + other) % self.q for one, other in zip(even, turned, strict=True)]
        return sums + [(one - other) % self.q for one, other in zip(even, turned, strict=True)]


class Attacker:
    """Knows the parameters, which are public, and reads stolen ciphertexts; holds no key."""

    def __init__(self, scheme: CKKS) -> None:
        self._context = seal_library.context(scheme.arithmetic.parameters(), seed=0, purpose="attacker")
        [prime] = self._context.first_context_data().parms().coeff_modulus()
        self.ring = Ring(prime.value())

    def secret_key(self, template: Template, decrypted: list[int]) -> list[int]:
        """The key by which the template is decrypted to these coefficients."""
        q, (first, second) = self.ring.q, self._polynomials(template)
        left = self.ring.values([(one - other) % q for one, other in zip(decrypted, first, strict=True)])
        pairs = zip(left, self.ring.values(second), strict=True)
        return self.ring.polynomial([one * pow(other, -1, q) % q for one, other in pairs])

    def face(self, template: Template, key: list[int]) -> FloatArray:
        """(d,) unit: the embedding in a template, decrypted by a key."""
        first, second = self._polynomials(template)
        products = zip(self.ring.values(second), self.ring.values(key), strict=True)
        masked = self.ring.polynomial([one * other % self.ring.q for one, other in products])
        return unit(np.array([self._about_zero(one + other) for one, other in zip(first[:D], masked[:D], strict=True)]))

    def equations(self, template: Template, decrypted: list[int]) -> tuple[Whole, Whole]:
        """(n, N) and (n,): what the first n coefficients say of the key, modulo q."""
        first, second = (np.array(one, dtype=np.int64) for one in self._polynomials(template))
        turned = np.concatenate([(-second) % self.ring.q, second])  # X^N is -1
        at = np.arange(len(decrypted))[:, None] - np.arange(N)[None] + N
        return turned[at], (np.array(decrypted, dtype=np.int64) - first[: len(decrypted)]) % self.ring.q

    def _about_zero(self, number: int) -> float:
        q = self.ring.q
        return float((number + q // 2) % q - q // 2)

    def _polynomials(self, template: Template) -> tuple[list[int], list[int]]:
        seal: Any = seal_library.library()
        with seal_library.passage() as path:
            ciphertext = seal_library.loaded(seal.Ciphertext, self._context, template, path)
        seal.Evaluator(self._context).transform_from_ntt_inplace(ciphertext)
        held = ciphertext.dyn_array()
        return [held.at(place) for place in range(N)], [held.at(N + place) for place in range(N)]


def times(left: Whole, right: Whole, q: int) -> Whole:
    """Products modulo q of numbers below q, which has at most 54 bits. The quotient is right but for a few units."""
    quotient = (left.astype(np.float64) * right / q).astype(np.int64)
    return np.asarray((left * right - quotient * q) % q)


def product(left: Whole, right: Whole, q: int) -> Whole:
    """The matrix product modulo q, of at most 64 columns and rows: in pieces of 18 bits, exact in double precision."""
    pieces = [[(one >> shift & (2**18 - 1)).astype(np.float64) for shift in (0, 18, 36)] for one in (left, right)]
    total = np.zeros((len(left), right.shape[1]), dtype=np.int64)
    for place in range(4, -1, -1):
        pairs = [(one, place - one) for one in range(3) if 0 <= place - one < 3]
        part = sum(pieces[0][one] @ pieces[1][other] for one, other in pairs)
        total = (times(total, np.int64(2**18), q) + np.asarray(part).astype(np.int64)) % q
    return total


def solved(rows: Whole, right: Whole, q: int, block: int = 64) -> Whole:
    """(n,) the solution of n equations modulo a prime: elimination in blocks, then backwards."""
    held, n = np.hstack([rows, right[:, None]]), len(rows)
    for start in range(0, n, block):
        end = min(start + block, n)
        for k in range(start, end):
            held[k, k:] = times(held[k, k:], np.int64(pow(int(held[k, k]), -1, q)), q)
            for below, columns in ((slice(k + 1, n), slice(k + 1, end)), (slice(k + 1, end), slice(end, n + 1))):
                held[below, columns] = (
                    held[below, columns] - times(held[below, k, None], held[None, k, columns], q)
                ) % q
        held[end:, end:] = (held[end:, end:] - product(held[end:, start:end], held[start:end, end:], q)) % q
    found = held[:, n].copy()
    for k in range(n - 1, 0, -1):
        found[:k] = (found[:k] - times(held[:k, k], found[k], q)) % q
    return found


def decrypted_by(score: Any) -> list[int]:
    """All N coefficients of what a template is decrypted to, from N scores of unit vectors."""
    each = N // D
    sums = np.rint(SCALE * np.asarray(score(np.repeat(np.eye(D), each, axis=0)), dtype=np.float64)).reshape(D, each)
    before = np.hstack([-sums[:, -1:], sums[:, :-1]])  # X^N is -1
    return [int(one) for one in ((sums - before) / 2).T.ravel()]


@pytest.fixture(scope="module")
def system() -> tuple[CKKS, list[Template], FloatArray]:
    """A running system, the templates stolen from it, and the faces behind them."""
    faces = unit(np.random.default_rng(0).standard_normal((40, D)))
    assert np.abs(faces[0]).max() < 1 / 4
    scheme = CKKS().fit(Faces(faces), seed=3)
    return scheme, scheme.enroll(faces[:20], keys=None, seeds=range(20)), faces[:20]


def test_as_many_scores_as_coefficients_give_the_key_and_with_it_every_face(system) -> None:
    """2,048 scores of one template, as they leave the scheme; the other 19 are never presented to."""
    scheme, templates, faces = system
    attacker, asked = Attacker(scheme), []

    def score(probes: FloatArray) -> FloatArray:
        asked.append(len(probes))
        return scheme.score(templates[:1], probes, keys=None)[0]

    key = attacker.secret_key(templates[0], decrypted_by(score))
    assert sum(asked) == N == 2048
    assert set(key) == {-1, 0, 1}
    found = np.stack([attacker.face(template, key) for template in templates])
    assert (found * faces).sum(axis=1) == pytest.approx(np.ones(20), abs=1e-6)


@pytest.mark.parametrize(("decimals", "opened"), [(8, True), (7, False), (4, False)])
def test_rounded_scores_leave_more_than_the_key(system, decimals: int, opened: bool) -> None:
    """A step above the scale's 2^-26 leaves several values for each coefficient, and a wrong one gives no key."""
    scheme, templates, _ = system
    score = partial(scheme.score, templates[:1], keys=None)
    found = decrypted_by(lambda probes: np.round(score(probes)[0].astype(np.float64), decimals))
    key = Attacker(scheme).secret_key(templates[0], found)
    assert (set(key) == {-1, 0, 1}) is opened
    assert opened or len(set(key)) > N / 2


@pytest.mark.slow(minutes=1)
def test_more_scores_make_up_for_a_lost_digit(system) -> None:
    """Seven decimals, each score of another direction: least squares over half a million scores of one template.

    A template's noise is the same in all its scores, so only the error of rounding is averaged out. It falls with the
    root of the number of scores: 1.9 units of the scale in each score, 0.12 in a coefficient. For each decimal less it
    takes a hundred times as many.
    """
    scheme, templates, _ = system
    rng, each, asked = np.random.default_rng(0), N // D, 0
    squares, products = np.zeros((D, D)), np.zeros((D, each))
    for _ in range(34):
        probes = unit(rng.standard_normal((1000, D)))
        scores = scheme.score(templates[:1], np.repeat(probes, each, axis=0), keys=None)[0].astype(np.float64)
        asked += len(scores)
        encoded = np.rint(SCALE * probes) / SCALE
        squares += encoded.T @ encoded
        products += encoded.T @ (SCALE * np.round(scores, 7).reshape(len(probes), each))
    sums = np.linalg.solve(squares, products)
    found = decrypted_by(lambda probes: np.rint(sums).ravel() / SCALE)
    assert 500_000 < asked < 600_000
    assert set(Attacker(scheme).secret_key(templates[0], found)) == {-1, 0, 1}


def test_equations_modulo_a_prime_are_solved() -> None:
    """Of more unknowns than a block has rows, against whole numbers of any size."""
    q, rng = 18014398492704769, np.random.default_rng(0)
    rows, known = rng.integers(0, q, (100, 100)), rng.integers(0, q, 100)
    right = [sum(int(one) * int(other) for one, other in zip(row, known, strict=True)) % q for row in rows]
    assert np.array_equal(solved(rows, np.array(right), q), known)


@pytest.mark.slow(minutes=1)
def test_scores_of_one_probe_at_a_time_give_the_key_too() -> None:
    """128 scores of each of 16 stolen templates, none of which has a value that single precision rounds."""
    faces = unit(np.random.default_rng(1).standard_normal((60, D)))
    faces = faces[np.abs(faces).max(axis=1) < 1 / 4][:17]
    assert len(faces) == 17
    scheme = CKKS().fit(Faces(faces), seed=5)
    templates, attacker, asked = scheme.enroll(faces, keys=None, seeds=range(17)), Attacker(scheme), 0
    said = []
    for template in templates[:16]:
        alone = [scheme.score([template], probe[None], keys=None)[0, 0] for probe in np.eye(D)]
        asked += len(alone)
        said.append(attacker.equations(template, [round(SCALE * float(one)) for one in alone]))
    rows, right = (np.concatenate(one) for one in zip(*said, strict=True))
    q = attacker.ring.q
    key = [int(one) - q if one > q // 2 else int(one) for one in solved(rows, right, q)]
    assert asked == N
    assert set(key) == {-1, 0, 1}
    assert attacker.face(templates[16], key) @ faces[16] == pytest.approx(1, abs=1e-6)
