"""FaceCloak: a small net per subject, trained from one reference, hashes faces; its hash of the reference is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from mote_bench.contracts import Faces, FloatArray, Key, Linear, Template
from mote_bench.toolkit import CPU, device, on_sphere, stream, stream_seed, unit, without_compiler

from .._shared.centring import directions, start, torch_directions
from .._shared.float_vectors import read_vectors
from .._shared.noisy_direction import Distances

if TYPE_CHECKING:
    import torch

_TRIED = 12
"""Synthetic subjects on whom it is measured how exactly a template gives its face."""
_LEAST_VARIANCE = 1e-6
"""That synthetic faces have along every axis; faces of unit length have a variance of one over all axes together."""
_FUSED = (CPU, "cuda")
"""Where torch has Adam as one kernel."""


@dataclass(frozen=True, eq=False)
class _Cloak:
    """What templates hold, one in each row: a net d-hidden-bits with ReLU, and the hash of the reference.

    Attributes
    ----------
    signs : (n, bits) float32
        1 or -1.
    below, above : (n, d, hidden), (n, hidden, bits) float32
        Weights of the layers.
    below_bias, above_bias : (n, hidden), (n, bits) float32
    """

    signs: FloatArray
    below: FloatArray
    below_bias: FloatArray
    above: FloatArray
    above_bias: FloatArray

    def decoded(self) -> FloatArray:
        """(n, d): the product of the layers and the signs, along which all outputs move to the side of the hash."""
        return np.asarray(np.einsum("ndh,nh->nd", self.below, np.einsum("nhb,nb->nh", self.above, self.signs)))


class FaceCloak:
    """The hash that a subject's own net, trained from one reference, gives of a face (FaceCloak).

    Banerjee, Jain, Hegde & Memon, "FaceCloak: Learning to Protect Face Templates", FG 2025, arXiv 2504.06131.

    Enrolment makes "disruptors" from the reference x alone. The positive ones are like it: x with Gaussian noise, and x
    with values set to zero. The negative ones aren't: random vectors made orthogonal to x by Gram-Schmidt, and
    synthetic faces. A shallow net is trained on x and its disruptors by a sum of three losses: of identity, of
    binarisation and of diversity. Its 64 outputs are near 1 or -1, and their signs are the binary cloak.

    The scheme is keyless: another seed draws other disruptors and other weights, which renews the template. So the
    template is the cloak (24745: pseudonymous identifier) and the subject's net (auxiliary data), by which probes are
    hashed. There is no key, and an attacker with the database holds the net. The score is the share of equal bits.

    The net is trained to tell the subject's faces from all others, as a MOTE's is. So its weights point to the face:
    see :meth:`reconstruct` and :meth:`likelihood`.

    Parameters
    ----------
    bits : int
        Outputs of the net.
    hidden : int
        Units of its one hidden layer, with ReLU.
    disruptors : int
        How many are made of each of the four kinds.
    noise : float
        Standard deviation of the noise, relative to the root mean square of the reference's values.
    masked : float
        Probability that a value is set to zero.
    binarisation, diversity : float
        Weights of these losses; that of the identity loss is 1.
    steps : int
        Steps of Adam, each with all disruptors.
    rate : float
        Adam's learning rate.
    centre : bool
        Take x from the background's mean face. Not in the paper, whose embeddings are spread about the origin.

    Notes
    -----
    The paper's abstract and summaries were read, and the released routine that makes disruptors, but not the paper's
    equations. From these: the four kinds of disruptors, noise 0.2 and masking 0.2, the three losses by name, 64 bits,
    no key. A net of 512-256-64 takes 0.56 MiB in single precision; the paper's takes 0.57 MB.

    Chosen here, where a choice was open for what recognises best:

    - Noise is relative to the values' size: the released routine adds 0.2 to values of size one.
    - The identity loss is that of pairs by cosine, of outputs h: the mean of 1 - cos(h(p), h(x)) over positive
      disruptors p, plus the mean of max(0, cos(h(n), h(x))) over negative ones.
    - The binarisation loss is the mean of (1 - |h|)^2, the diversity loss the mean of the squared mean of a face's
      outputs: as many bits are set as not.
    - Synthetic faces are drawn from a Gaussian fitted to the background, instead of from a generator of pictures.
    - The number of disruptors, the steps and their size. On LFW by MobileFaceNet, twice as many steps, and steps three
      times as large, recognised no better.
    """

    revocable = False
    libraries = ("torch",)
    """What its first use imports: torch takes seconds, and the process that plans a run doesn't compute with it."""

    def __init__(  # noqa: PLR0913 - the paper's parameters
        self,
        *,
        bits: int = 64,
        hidden: int = 256,
        disruptors: int = 16,
        noise: float = 0.2,
        masked: float = 0.2,
        binarisation: float = 0.1,
        diversity: float = 0.1,
        steps: int = 50,
        rate: float = 1e-3,
        centre: bool = True,
    ) -> None:
        if min(bits, hidden, disruptors, steps) < 1:
            raise ValueError(
                f"bits={bits}, hidden={hidden}, disruptors={disruptors}, steps={steps}; expected 1 or more of each"
            )
        if not 0 <= masked < 1:
            raise ValueError(f"masked={masked}; expected a probability below 1")
        self.bits = bits
        self.hidden = hidden
        self.disruptors = disruptors
        self.noise = noise
        self.masked = masked
        self.binarisation = binarisation
        self.diversity = diversity
        self.steps = steps
        self.rate = rate
        self.centre = centre

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Fit the Gaussian that synthetic faces are drawn from, and enrol a few of them to see what templates say."""
        self._origin = start(background, centre=self.centre)
        seen = directions(background.embeddings, self._origin).astype(np.float64)
        self._mean = seen.mean(axis=0).astype(np.float32)
        spread = (seen - seen.mean(axis=0)).T @ (seen - seen.mean(axis=0)) / len(seen)
        root = np.linalg.cholesky(spread + _LEAST_VARIANCE * np.eye(len(spread)))
        self._root = root.T.astype(np.float32)
        self._distances = Distances.of(background, self._origin)
        tried = unit(self._synthetic(stream(seed, "facecloak", "tried"), _TRIED))
        seeds = [stream_seed(seed, "facecloak", "tried", row) for row in range(_TRIED)]
        decoded = unit(self._cloaks(self._trained(tried, seeds)).decoded())
        self._gain = float((decoded * tried).sum(axis=1).mean())
        self._error = float(np.sqrt(np.mean((decoded - self._gain * tried) ** 2)))
        return self

    def enroll(self, references: FloatArray, *, keys: Sequence[Key] | None, seeds: Sequence[int]) -> list[Template]:
        """One template of 4 (bits + (d + 1) hidden + (hidden + 1) bits) bytes per row of ``references`` (n, d)."""
        return self._trained(directions(references, self._origin), seeds)

    def score(self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, m) float32: the share of the stored bits that each probe has by the stored net, in [0, 1]."""
        import torch

        shown = torch.from_numpy(_inputs(directions(probes, self._origin))).to(device())
        scores = np.empty((len(templates), len(probes)), dtype=np.float32)
        for row, template in enumerate(templates):
            signs, *layers = self._tensors([template], first=row)
            equal = _outputs(shown[None], *layers) * signs > 0
            scores[row] = equal[0].float().mean(-1).cpu().numpy()
        return scores

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None
    ) -> Callable[[torch.Tensor], torch.Tensor]:
        """From probes (n, k, d) to (n, k) means of the stored signs times the net's outputs before they are cut."""
        signs, *layers = self._tensors(templates)

        def answer(probes: torch.Tensor) -> torch.Tensor:
            faces = torch_directions(probes, self._origin) * probes.shape[-1] ** 0.5
            return (_outputs(faces, *layers) * signs).mean(-1)

        return answer

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> FloatArray:
        """(n, d) float32 unit rows: the mean face plus the direction in which all outputs move towards the hash.

        That is the product of the weight matrices and the stored signs: the gradient of their agreement with every
        unit switched on.
        """
        return on_sphere(self._origin, unit(self._cloaks(templates).decoded())).astype(np.float32)

    def readings(self, templates: Sequence[Template]) -> tuple[FloatArray]:
        """The product of the weight matrices and the stored signs (n, d), which the order of units leaves as it is."""
        return (self._cloaks(templates).decoded(),)

    def likelihood(self, templates: Sequence[Template], *, keys: Sequence[Key] | None) -> Iterator[Linear]:
        """The direction of :meth:`readings` is the face's, times a gain, plus noise of the same size in each dimension.

        Training has no likelihood in closed form. So gain and noise are those of synthetic subjects, enrolled by
        :meth:`fit`.
        """
        decoded = unit(self._cloaks(templates).decoded())
        return self._distances.likelihood(decoded, sigma=self._error, gain=self._gain)

    def _trained(self, faces: FloatArray, seeds: Sequence[int]) -> list[Template]:
        """The templates of directions (n, d)."""
        return [
            self._template(face, stream(seed, "facecloak", "enrol")) for face, seed in zip(faces, seeds, strict=True)
        ]

    def _template(self, face: FloatArray, rng: np.random.Generator) -> Template:
        import torch

        d = len(face)
        shown = torch.from_numpy(_inputs(np.vstack([face, self._disruptors(face, rng)]))).to(device())
        parts = [
            rng.standard_normal((d, self.hidden), dtype=np.float32) * np.float32((2 / d) ** 0.5),
            np.zeros(self.hidden, dtype=np.float32),
            rng.standard_normal((self.hidden, self.bits), dtype=np.float32) * np.float32(self.hidden**-0.5),
            np.zeros(self.bits, dtype=np.float32),
        ]
        layers = [torch.from_numpy(part).to(device()).requires_grad_() for part in parts]
        adam = without_compiler(torch.optim.Adam)(layers, lr=self.rate, fused=layers[0].device.type in _FUSED)
        for _ in range(self.steps):
            adam.zero_grad()
            self._loss(_outputs(shown, *layers).tanh()).backward()  # type: ignore[no-untyped-call]
            adam.step()
        with torch.no_grad():
            signs = torch.where(_outputs(shown[:1], *layers) > 0, 1.0, -1.0)
        return b"".join(part.detach().cpu().numpy().astype("<f4").tobytes() for part in (signs, *layers))

    def _disruptors(self, face: FloatArray, rng: np.random.Generator) -> FloatArray:
        """(4 disruptors, d) unit rows: of each kind in turn, the positive ones first."""
        shape = (self.disruptors, len(face))
        noisy = face + self.noise * len(face) ** -0.5 * rng.standard_normal(shape, dtype=np.float32)
        masked = face * (rng.random(shape, dtype=np.float32) >= self.masked)
        gaussian = rng.standard_normal(shape, dtype=np.float32)
        orthogonal = gaussian - np.outer(gaussian @ face, face)
        return unit(np.concatenate([noisy, masked, orthogonal, self._synthetic(rng, self.disruptors)]))

    def _synthetic(self, rng: np.random.Generator, n: int) -> FloatArray:
        """(n, d) float32: faces drawn from the background's Gaussian, as seen from the mean face."""
        return np.asarray(self._mean + rng.standard_normal((n, len(self._mean)), dtype=np.float32) @ self._root)

    def _loss(self, outputs: torch.Tensor) -> torch.Tensor:
        """Of outputs (faces, bits) in [-1, 1] for the reference and its disruptors, the positive half of them first."""
        import torch

        hashes = torch.nn.functional.normalize(outputs, dim=-1)
        like, unlike = (hashes[1:] @ hashes[0]).chunk(2)
        identity = (1 - like).mean() + unlike.clamp(min=0).mean()
        binarisation = (1 - outputs.abs()).square().mean()
        diversity = outputs.mean(dim=-1).square().mean()
        return identity + self.binarisation * binarisation + self.diversity * diversity

    def _cloaks(self, templates: Sequence[Template], first: int = 0) -> _Cloak:
        """What the templates hold; ``first`` is the number of the first one, for messages.

        Raises
        ------
        ValueError
            On a wrong length, on values that aren't finite, and on a hash of other values than 1 and -1.
        """
        d, hidden, bits = len(self._origin), self.hidden, self.bits
        shapes = [(bits,), (d, hidden), (hidden,), (hidden, bits), (bits,)]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        values = read_vectors(templates, int(ends[-1]))
        parts = np.split(values, ends[:-1], axis=1)
        signs, below, below_bias, above, above_bias = (
            part.reshape(len(values), *shape) for part, shape in zip(parts, shapes, strict=True)
        )
        if wrong := np.flatnonzero((np.abs(signs) != 1).any(axis=1)).tolist():
            raise ValueError(f"template {first + wrong[0]} has a hash of other values than 1 and -1")
        return _Cloak(signs, below, below_bias, above, above_bias)

    def _tensors(self, templates: Sequence[Template], first: int = 0) -> list[torch.Tensor]:
        """Signs (n, 1, bits), weights and biases (n, 1, width), layer by layer, where torch computes."""
        import torch

        cloaks = self._cloaks(templates, first)
        parts = (
            cloaks.signs[:, None],
            cloaks.below,
            cloaks.below_bias[:, None],
            cloaks.above,
            cloaks.above_bias[:, None],
        )
        return [torch.from_numpy(np.ascontiguousarray(part)).to(device()) for part in parts]


def _inputs(faces: FloatArray) -> FloatArray:
    """Unit rows (n, d) scaled so that their values are of size one."""
    return np.asarray(faces * faces.shape[1] ** 0.5, dtype=np.float32)


def _outputs(
    faces: torch.Tensor,
    below: torch.Tensor,
    below_bias: torch.Tensor,
    above: torch.Tensor,
    above_bias: torch.Tensor,
) -> torch.Tensor:
    """(..., bits): the nets' outputs for inputs (..., d), before they are cut to [-1, 1]."""
    return (faces @ below + below_bias).relu() @ above + above_bias
