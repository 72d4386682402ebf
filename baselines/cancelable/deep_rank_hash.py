"""Deep rank hashing: index-of-max codes by learned projections, as words of a random table, under a one-time pad."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, HalfSpaces, Key, Smooth, Template
from mote_bench.toolkit import device, on_sphere, stream, unit, without_compiler

from .._shared.centring import directions, start, torch_directions
from .._shared.keys import rng_of, rows_of_each
from .._shared.packed_integers import Codes, pack_codes, read_codes, share_equal

if TYPE_CHECKING:
    import torch

_SCALE = 32.0
"""Of the angular loss."""
_RATE, _MOMENTUM = 0.01, 0.9
"""Of stochastic gradient descent, with Nesterov's momentum."""
_SUBJECTS, _IMAGES = 60, 4
"""Of a batch: subjects, and images of each."""
_COSINE_CUT = 1e-6
"""By which cosines are kept from 1 and -1, where the angle has no slope."""
_FACES_AT_ONCE = 128
_GUMBEL = 6**0.5 / np.pi
"""Scale of a Gumbel distribution whose standard deviation is one."""


class DeepRankHash:
    """Indices of the largest of a few learned projections of the face, looked up in a table and XORed with a key's pad.

    Dong, Cho, Kim, Kim & Teoh, "Deep rank hashing network for cancellable face identification", Pattern Recognition 131
    (2022) 108886. The text could not be read; what follows is the abstract and the authors' code
    (github.com/xingbod/DeepRankHashing4CancellableFace), whose configuration gives the defaults.

    A linear layer of ``codes`` groups of ``levels`` outputs follows the recogniser. It starts as normal numbers, which
    is :class:`~mote_baselines.cancelable.iom.GaussianIoM` with one public matrix, and is trained on the background. In
    training the index of the largest output is a softmax's mean index h. The loss is angular: for each face, theta is
    the angle between its codes and those of the hardest face of the same subject, and of the nearest other one::

        scale sum(sigma(cos theta_other - sin theta_other) + sigma(sin theta_same - cos theta_same)) + mean theta_same

    with a scale of 32. The balance term adds each face's distance of the mean of h from the middle index. A code is
    then a word of a random table, and the words are XORed with a random identifier of the subject. This is the one-time
    pad by which templates are renewed, without a new photo. The score is the share of bits that equal the probe's.

    In the paper the system stores the identifiers, so that probes need no second factor and a probe is compared with
    all subjects. Here the key seeds the identifier. The row with a stolen key says what such a system holds in all.

    Without the key a template holds no information on the face: with a uniform pad it is uniform, whatever the codes.
    With the key it is the codes, and each says that its vector has the largest product with the face. All subjects have
    the same vectors, so that a stolen key costs no accuracy.

    What differs from the authors' code: the embedding isn't trained along; the layer has no bias, as the mean face is
    subtracted; the two terms of the loss that have no gradient (entropy of rounded codes, distances of table words) are
    left out; training is ``steps`` batches of the background in place of epochs of millions of images.

    Parameters
    ----------
    codes : int
        m.
    levels : int
        q, outputs of a group.
    bits : int, optional
        Of a word. By default as many as number the levels, and the table is a permutation. Fewer bits compress: words
        are drawn at random, and levels share them.
    sharpness : float
        T, by which outputs are multiplied before the softmax. The authors train with 1 and with 10.
    balance : float
        Weight of the balance term.
    steps : int
        Of stochastic gradient descent, of which each takes 60 subjects and 4 images of each.
    centre : bool
        Take faces from the background's mean face.
    """

    revocable = True
    needs_identity = True
    slow_to_try = True
    """Training takes some seconds, however few the faces."""

    def __init__(
        self,
        *,
        codes: int = 512,
        levels: int = 8,
        bits: int | None = None,
        sharpness: float = 1.0,
        balance: float = 1.0,
        steps: int = 100,
        centre: bool = True,
    ) -> None:
        if codes < 1 or not 2 <= levels <= 1 << 16 or not (bits is None or 1 <= bits <= 16) or steps < 0:
            raise ValueError(
                f"codes={codes}, levels={levels}, bits={bits}, steps={steps}; "
                "expected 1 code or more, 2 to 65536 levels, 1 to 16 bits and no negative steps"
            )
        if not (0 < sharpness < np.inf and 0 <= balance < np.inf):
            raise ValueError(
                f"sharpness={sharpness}, balance={balance}; expected a finite sharpness above 0, and a finite balance, "
                "0 or more"
            )
        self.codes = codes
        self.levels = levels
        self.bits = bits
        self.sharpness = sharpness
        self.balance = balance
        self.steps = steps
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Learn the mean face and the projections, and draw the table of words.

        Raises
        ------
        ValueError
            Where fewer than two subjects of the background have two images: angles of mated pairs are trained.
        """
        self._origin = start(background, centre=self.centre)
        self._table = _table(self.levels, self.bits, stream(seed, "deep rank hash", "table"))
        shape = (len(self._origin), self.codes * self.levels)
        drawn = stream(seed, "deep rank hash", "weights").standard_normal(shape, dtype=np.float32)
        self._weights = self._trained(drawn, background, stream(seed, "deep rank hash", "batches"))
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of ceil(codes bits / 8) bytes per row of ``references`` (n, d): 192 for 512 codes of 3 bits."""
        return pack_codes(self._words(references) ^ self._pads(keys, len(references)), 2)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of bits that the template under its key has in common with the probe."""
        return share_equal(self._read(templates, keys), self._words(probes), 2)

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: towards the sum of what :meth:`_named` gives, under the presented keys."""
        return on_sphere(self._origin, unit(self._named(templates, keys))).astype(np.float32)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[HalfSpaces | Smooth]:
        """Each word says which levels had the largest output: half-spaces if it is one; otherwise their probability.

        Words that aren't in the table, as of a wrong key, say nothing.
        """
        import torch

        vectors = self._weights.T.reshape(self.codes, self.levels, -1)
        for meant in self._meant(self._read(templates, keys)):
            if (meant.sum(axis=1) == 1).all():
                normals = (vectors[meant][:, None] - vectors)[~meant]
                yield HalfSpaces(normals, normals @ self._origin)
                continue
            said = meant.any(axis=1)
            own = torch.from_numpy(np.ascontiguousarray(vectors[said]))
            yield Smooth(
                partial(_of_largest, own, torch.from_numpy(meant[said]), self._origin), numbers=self.codes * self.levels
            )

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) products with the mean over codes of what :meth:`_named` gives."""
        import torch

        towards = torch.from_numpy(self._named(templates, keys) / self.codes).to(device())[:, None]
        return lambda probes: (torch_directions(probes, self._origin) * towards).sum(-1)

    def _trained(self, weights: FloatArray, background: Faces, rng: np.random.Generator) -> FloatArray:
        """(d, codes levels) float32: the weights after ``steps`` batches."""
        import torch

        _, subject, images = np.unique(np.asarray(background.identity), return_inverse=True, return_counts=True)
        several = [np.flatnonzero(subject == one) for one in np.flatnonzero(images > 1)]
        if len(several) < 2:
            raise ValueError(
                f"{len(several)} subjects of the background have two images or more; expected 2 or more to train on. "
                "Take iom-grp, which isn't trained"
            )
        inputs = self._inputs(background.embeddings)
        layer = torch.from_numpy(weights.copy()).to(device()).requires_grad_()
        descent = without_compiler(torch.optim.SGD)([layer], lr=_RATE, momentum=_MOMENTUM, nesterov=True)
        for _ in range(self.steps):
            chosen = rng.permutation(len(several))[:_SUBJECTS]
            rows = np.concatenate([rng.permutation(several[one])[:_IMAGES] for one in chosen])
            outputs = (torch.from_numpy(inputs[rows]).to(device()) @ layer).view(len(rows), self.codes, self.levels)
            indices = soft_indices(outputs, self.sharpness)
            descent.zero_grad()
            loss = angular_loss(indices, torch.from_numpy(subject[rows]).to(device()), _SCALE)
            loss = loss + self.balance * imbalance(indices, self.levels)
            loss.backward()  # type: ignore[no-untyped-call]
            descent.step()
        return np.asarray(layer.detach().cpu().numpy())

    def _inputs(self, faces: FloatArray) -> FloatArray:
        """(n, d) float32 directions, scaled to values of variance one, as the authors' batch normalisation gives."""
        return np.asarray(directions(faces, self._origin) * np.float32(len(self._origin) ** 0.5))

    def _words(self, faces: FloatArray) -> Codes:
        """(n, codes bits) bits: each code's word."""
        bits = np.empty((len(faces), self.codes, self._table.shape[1]), dtype=np.uint8)
        inputs = self._inputs(faces)
        for first in range(0, len(faces), _FACES_AT_ONCE):
            some = slice(first, first + _FACES_AT_ONCE)
            outputs = (inputs[some] @ self._weights).reshape(-1, self.codes, self.levels)
            bits[some] = self._table[outputs.argmax(axis=2)]
        return bits.reshape(len(faces), self.codes * self._table.shape[1])

    def _pads(self, keys: Sequence[Key] | None, n: int) -> Codes:
        """(n, codes bits) random bits of each row's key."""
        pads = np.empty((n, self.codes * self._table.shape[1]), dtype=np.uint8)
        for key, rows in rows_of_each(keys, n).items():
            pads[rows] = rng_of(key, "one-time pad").integers(0, 2, pads.shape[1], dtype=np.uint8)
        return pads

    def _read(self, templates: Sequence[Template], keys: Sequence[Key] | None) -> Codes:
        """(n, codes bits): the templates' words under their keys."""
        stored = read_codes(templates, self.codes * self._table.shape[1], 2).astype(np.uint8)
        return stored ^ self._pads(keys, len(templates))

    def _meant(self, words: Codes) -> npt.NDArray[np.bool_]:
        """(n, codes, levels): the levels whose word each is."""
        each = words.reshape(len(words), self.codes, 1, self._table.shape[1])
        return np.asarray((each == self._table).all(axis=3))

    def _named(self, templates: Sequence[Template], keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32: the vectors that the words name, less the mean of their group, added up.

        Of several vectors that a word names, the mean counts.
        """
        meant = self._meant(self._read(templates, keys))
        each = meant.sum(axis=2, keepdims=True)
        weight = np.where(each > 0, meant / np.maximum(each, 1) - 1 / self.levels, 0)
        return np.asarray(weight.reshape(len(meant), self.codes * self.levels).astype(np.float32) @ self._weights.T)


def _table(levels: int, bits: int | None, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(levels, bits): the word of each level, its highest bit first; drawn bit by bit where the levels have no room."""
    width = (levels - 1).bit_length()
    if bits is not None and bits < width:
        return rng.integers(0, 2, (levels, bits), dtype=np.uint8)
    places = np.arange((bits or width) - 1, -1, -1)
    return (rng.permutation(levels)[:, None] >> places & 1).astype(np.uint8)


def soft_indices(outputs: torch.Tensor, sharpness: float) -> torch.Tensor:
    """(n, codes): the mean index of outputs (n, codes, levels) under a softmax of ``sharpness`` times the outputs."""
    import torch

    levels = torch.arange(outputs.shape[2], dtype=outputs.dtype, device=outputs.device)
    return (sharpness * outputs).softmax(2) @ levels


def angular_loss(indices: torch.Tensor, subjects: torch.Tensor, scale: float) -> torch.Tensor:
    """The loss of indices (n, codes), each row of one of ``subjects`` (n,): see :class:`DeepRankHash`."""
    import torch

    rows = torch.nn.functional.normalize(indices, dim=1)
    angles = (rows @ rows.T).clamp(_COSINE_CUT - 1, 1 - _COSINE_CUT).acos()
    same = subjects[:, None] == subjects
    mated = same & ~torch.eye(len(subjects), dtype=torch.bool, device=same.device)
    hardest = (angles * mated).amax(1)
    nearest = (angles + torch.pi * same).amin(1)
    terms = (nearest.cos() - nearest.sin()).sigmoid() + (hardest.sin() - hardest.cos()).sigmoid()
    return scale * terms.sum() + hardest.mean()


def imbalance(indices: torch.Tensor, levels: int) -> torch.Tensor:
    """How far the mean index of each row (n, codes) is from the middle one, added up."""
    missed: torch.Tensor = (indices - (levels - 1) / 2).mean(1).abs().sum()
    return missed


def _of_largest(
    vectors: torch.Tensor, meant: torch.Tensor, origin: FloatArray, faces: torch.Tensor, width: float
) -> torch.Tensor:
    """(k,) log probabilities that the largest product is a ``meant`` one (m, q), with Gumbel noise added to each.

    The vectors are (m, q, d). The largest of values with Gumbel noise is distributed like a softmax.
    """
    own = vectors.to(faces)
    spread = own.std() * len(origin) ** -0.5
    products = (torch_directions(faces, origin) @ own.flatten(0, 1).T).view(len(faces), *meant.shape)
    chances = (products / (_GUMBEL * width * spread)).log_softmax(2)
    meant_ones: torch.Tensor = chances.masked_fill(~meant.to(faces.device), -float("inf")).logsumexp(2).sum(1)
    return meant_ones
