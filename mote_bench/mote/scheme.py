"""The MOTE scheme: a subject's template is a small neural network whose logit is the comparison score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from mote_bench.contracts import Faces, FloatArray, InputError, Key, Template
from mote_bench.data.columns import UNKNOWN
from mote_bench.mote.canonical import flattened, statistics
from mote_bench.mote.codec import Net, decode, encode, widths
from mote_bench.mote.kde import Density, cross_validated, residuals
from mote_bench.mote.people import LEAST_REPEATED, people_of
from mote_bench.mote.recipe import WIDTH_RANGE, Crowd, Recipe, people_at_once
from mote_bench.toolkit import Recent, device, on_sphere, stream, stream_seed, unit

if TYPE_CHECKING:
    from torch import Tensor

    from mote_bench.mote.nets import Nets

HELD_OUT = 5
"""One background subject in this many is held out for early stopping."""

EVERYONE = "everyone"
"""The name of the one group where the background isn't split."""

_TEMPLATES_AT_ONCE = 32
_REMEMBERED = 2**27
"""Bytes of the templates that are kept ready for probes."""

Shares = Mapping[str, float]
"""The share of a subject's positives that is drawn from the density of each group; adds up to 1."""


class MOTE:
    """A model template: a small net for each subject (Groß, Heindorf, Terhörst, IJCB 2025, arXiv 2505.19920).

    The database holds a net per subject instead of an embedding. Its logit for a probe's embedding is the comparison
    score. The paper calls the scheme private because the weights alone don't show gender. It doesn't consider an
    attacker who runs the nets, for which no secret is needed: there is no key, so ``revocable`` is ``False``.

    A subject's net, d-128-64-16-1 with ReLU and dropout, is trained to separate the subject from the background (binary
    cross-entropy). Only one image of the subject is needed. The positives are that reference plus draws from a Gaussian
    kernel density of the deviations of background images from their subjects' centroids, half as many as there are
    negatives. The density is fitted for each group (women and men) separately, its bandwidth cross-validated. So the
    groups' shares of the positives can be set, even for each subject: the paper's parameter for fairness.

    Parameters
    ----------
    attributes : sequence of str
        The soft attributes that split the background into groups, read from a subject's first image; with several, a
        group for each combination, its labels joined by ``/``. The background is one group, ``everyone``, where it
        lacks an attribute, where the sequence is empty, and where fewer than two groups have ten subjects with
        two or more images; otherwise smaller groups give negatives, but no density.
    balance : mapping of group -> share, optional
        Of a subject's positives, the share that is drawn from each group's density: ``{"female": 0.3, "male": 0.7}``.
        Adds up to 1; a group left out gives none. By default all groups give the same: the paper's ratio of 0.5.
        :meth:`enroll` can override it for each person.
    hidden : sequence of int
        Widths of the hidden layers.
    random_widths : bool
        Draw every hidden width from the subject's seed, within 10 of the nominal one: the released variant against
        attacks that read weights by their position.
    dropout : float
        Of the hidden units, the part that is dropped in a training step; rounded to 1/256.
    epochs : int
        How many epochs the one-cycle schedule lasts.
    patience : int
        Training of a subject's net stops after this many epochs without a lower validation loss; the weights of the
        lowest one are kept.

    Notes
    -----
    As in the paper and its released code: widths, ReLU, dropout 0.5, half as many positives as negatives, their
    densities and the 40 candidate bandwidths, batches of 128, AdamW with weight decay 5e-5 under a one-cycle schedule
    to 1e-2, patience 5, best weights kept, validation negatives and positives from subjects outside of training.

    Otherwise:

    - The one-cycle schedule is stepped after every batch, from the 1.5e-3 that the paper names, over ``epochs``
      epochs. The released code lays it out for every batch of 120 epochs but steps it once per epoch, so it never
      gets beyond the first steps of the warm-up: the rate starts at 4e-4 (the cycle overwrites AdamW's 1.5e-3) and
      hardly rises. That takes about 60 epochs per subject to the lowest validation loss, where a whole cycle of 20
      takes about 13, for the same error rates on real and on rendered faces.
    - Validation subjects are one background subject in five, drawn by the seed of ``fit``, instead of a second data
      set; their density takes the bandwidth of the training subjects.
    - Cross-validation leaves out subjects, not images.
    - A subject with a single image is a negative, but adds nothing to a density; the released code adds a zero.
    - Weights start from He et al.'s normal initialisation, in the released code those of the random-width net only.
    """

    needs_identity = True
    revocable = False
    libraries = ("mote_bench.mote.train",)
    """What its first use imports: torch takes seconds, and the process that plans a run doesn't compute with it."""

    def __init__(
        self,
        *,
        attributes: Sequence[str] = ("gender",),
        balance: Shares | None = None,
        hidden: Sequence[int] = (128, 64, 16),
        random_widths: bool = False,
        dropout: float = 0.5,
        epochs: int = 20,
        patience: int = 5,
    ) -> None:
        self.attributes = (attributes,) if isinstance(attributes, str) else tuple(attributes)
        self.balance = balance
        self.recipe = Recipe(tuple(hidden), random_widths, dropout, epochs, patience)
        _check(self.recipe)
        self._stacked: Recent[Nets] = Recent(_REMEMBERED, _bytes_of)

    def fit(self, background: Faces, *, seed: int) -> Self:
        """Split the background subjects into training and validation; fit the variation between a subject's images.

        Afterwards ``groups`` names the groups and ``bandwidths`` the bandwidth of each.

        Raises
        ------
        InputError
            When the background has no identities, fewer than 20 subjects or fewer than 10 with two or more images, or
            when ``balance`` names a group that it doesn't have.
        """
        person, count = people_of(background)
        group = _person_groups(background, self.attributes, person)
        self.groups = _large_groups(group[count > 1])
        if self.groups == (EVERYONE,):
            group = np.full(len(count), EVERYONE)
        _shares(self.balance, self.groups)
        held_out = _held_out(group, count > 1, stream(seed, "mote", "held out"))
        faces, differs = background.embeddings, residuals(background.embeddings, person)
        learning, stopping = {}, {}
        for name in self.groups:
            member = ((group == name) & (count > 1))[person]
            rows = member & ~held_out[person]
            learning[name] = cross_validated(differs[rows], person=person[rows], rng=stream(seed, "mote", "kde", name))
            stopping[name] = Density(differs[member & held_out[person]], learning[name].bandwidth)
        self._training = Crowd(faces[~held_out[person]], learning)
        self._validation = Crowd(faces[held_out[person]], stopping)
        self._order = stream_seed(seed, "mote", "order")
        return self

    @property
    def bandwidths(self) -> dict[str, float]:
        """The cross-validated bandwidth of each group's density."""
        return {group: density.bandwidth for group, density in self._training.spread.items()}

    def enroll(
        self,
        references: FloatArray,
        *,
        keys: Sequence[Key] | None = None,
        seeds: Sequence[int],
        balance: Shares | Sequence[Shares] | None = None,
    ) -> list[Template]:
        """Train a net per row of ``references`` (n, d).

        A subject's weights, positives and dropout are drawn from ``seeds[i]`` alone. The batches of negatives are
        shared: the seed of :meth:`fit` draws them. Equal calls give equal bytes. With other subjects in the same call,
        bytes are equal where torch multiplies with Intel's library, and scores nearly equal otherwise.

        Parameters
        ----------
        balance : mapping, or a mapping per reference, optional
            Overrides the scheme's own ``balance``.
        keys : ignored
            A MOTE has no key.

        Raises
        ------
        InputError
            Before :meth:`fit`; on references of another dimension; when ``seeds`` or ``balance`` are not one per
            reference.
        """
        self._check_references(references, seeds)
        shares = self._shares_of_each(len(references), balance)
        at_once = people_at_once(self._training, self._validation)
        templates: list[Template] = []
        for start in range(0, len(references), at_once):
            some = slice(start, start + at_once)
            templates += map(self._encode, self._train(references[some], seeds[some], shares[some]))
        return templates

    def _train(self, references: FloatArray, seeds: Sequence[int], shares: Sequence[Shares]) -> list[Net]:
        from mote_bench.mote.train import begin, train

        training, validation, recipe = self._training, self._validation, self.recipe
        starts = [
            begin(reference, seed=seed, shares=share, training=training, validation=validation, recipe=recipe)
            for reference, seed, share in zip(references, seeds, shares, strict=True)
        ]
        return train(starts, training=training, validation=validation, recipe=recipe, seed=self._order, device=device())

    def score(
        self, templates: Sequence[Template], probes: FloatArray, *, keys: Sequence[Key] | None = None
    ) -> FloatArray:
        """(n, m) float32 logits of net i at probe j of ``probes`` (m, d); ``keys`` are ignored.

        Raises
        ------
        ValueError
            When a template can't be decoded or takes embeddings of another dimension.
        """
        from mote_bench.mote.nets import answers, as_tensor

        x = as_tensor(probes).to(device())
        scores = np.empty((len(templates), len(x)), dtype=np.float32)
        for start in range(0, len(templates), _TEMPLATES_AT_ONCE):
            some = slice(start, start + _TEMPLATES_AT_ONCE)
            scores[some] = answers(self._load(templates[some], dimension=x.shape[1], first=start), x).cpu().numpy()
        return scores

    def surrogate(
        self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None
    ) -> Callable[[Tensor], Tensor]:
        """From k probes of each net (n, k, d) float32 to their logits (n, k): :meth:`score` with gradients."""
        from mote_bench.mote.nets import logits

        nets = self._load(templates, dimension=self._background_mean().shape[0])
        return lambda probes: logits(nets, probes)

    def reconstruct(self, templates: Sequence[Template], *, keys: Sequence[Key] | None = None) -> FloatArray:
        """(n, d) float32: the background's mean face plus the direction in which the net's logit rises.

        That direction is the product of the weight matrices, W1 W2 ... w: the gradient of the net with every unit
        switched on. A net trained to separate one subject from the background rises from the background towards
        that subject. The order of its hidden units cancels out of the product. Only the bytes are needed, no query.
        """
        mean = self._background_mean()
        rise = np.empty((len(templates), len(mean)))
        for row, template in enumerate(templates):
            *below, last = [layer.weight.astype(np.float64) for layer in self._net(template, row, len(mean))]
            for weight in reversed(below):
                last = weight @ last
            rise[row] = last[:, 0]
        return on_sphere(mean, unit(rise)).astype(np.float32)

    def readings(self, templates: Sequence[Template]) -> tuple[FloatArray, FloatArray]:
        """The weights whatever the order of hidden units: in a canonical one (n, p), and by statistics (n, q)."""
        dimension = self._background_mean().shape[0]
        nets = [self._net(template, row, dimension) for row, template in enumerate(templates)]
        inner = (dimension, *self.recipe.hidden, 1)
        length = sum((inputs + 1) * outputs for inputs, outputs in pairwise(inner))
        return np.stack([flattened(net, length) for net in nets]), statistics(nets)

    def _encode(self, net: Net) -> Template:
        return encode(net)

    def _decode(self, template: Template) -> Net:
        """What :meth:`_encode` wrote; ValueError when it didn't."""
        return decode(template)

    def _load(self, templates: Sequence[Template], *, dimension: int, first: int = 0) -> Nets:
        from mote_bench.mote.nets import stack

        def made() -> Nets:
            nets = stack([self._net(template, first + index, dimension) for index, template in enumerate(templates)])
            return nets.to(device())

        return self._stacked.get((device(), dimension, *templates), made)

    def _net(self, template: Template, index: int, dimension: int) -> Net:
        try:
            net = self._decode(template)
        except ValueError as error:
            raise ValueError(f"template {index} can't be read: {error}") from error
        if widths(net)[0] != dimension:
            raise ValueError(
                f"template {index} takes embeddings of {widths(net)[0]} dimensions; the probes have {dimension}"
            )
        return net

    def _background_mean(self) -> FloatArray:
        if not hasattr(self, "_training"):
            raise InputError(
                "MOTE was asked about templates before it was fitted; call fit(background, seed=...) first."
            )
        return np.asarray(self._training.faces.mean(axis=0))

    def _check_references(self, references: FloatArray, seeds: Sequence[int]) -> None:
        if not hasattr(self, "_training"):
            raise InputError("MOTE was asked to enrol before it was fitted; call fit(background, seed=...) first.")
        dimension = self._training.faces.shape[1]
        if references.ndim != 2 or references.shape[1] != dimension:
            raise InputError(f"references have shape {references.shape}; expected (n, {dimension}) as the background.")
        if len(seeds) != len(references):
            raise InputError(f"{len(seeds)} seeds for {len(references)} references; give one seed per reference.")

    def _shares_of_each(self, n: int, balance: Shares | Sequence[Shares] | None) -> list[Shares]:
        if balance is None or isinstance(balance, Mapping):
            return [_shares(self.balance if balance is None else balance, self.groups)] * n
        if len(balance) != n:
            raise InputError(f"{len(balance)} balances for {n} references; give one for all or one per reference.")
        return [_shares(one, self.groups) for one in balance]


def _bytes_of(nets: Nets) -> int:
    return nets.size()


def _check(recipe: Recipe) -> None:
    narrowest = 1 + WIDTH_RANGE * recipe.random_widths
    if not recipe.hidden or min(recipe.hidden) < narrowest:
        raise InputError(f"hidden={recipe.hidden}; expected one or more widths of at least {narrowest}.")
    if not 0 <= recipe.dropout <= 0.95:
        raise InputError(f"dropout={recipe.dropout}; expected a rate from 0 to 0.95.")
    if recipe.epochs < 1 or recipe.patience < 1:
        raise InputError(f"epochs={recipe.epochs}, patience={recipe.patience}; expected at least 1 of each.")


def _person_groups(background: Faces, attributes: Sequence[str], person: npt.NDArray[np.int64]) -> npt.NDArray[np.str_]:
    """(subjects,) the group of each subject; all ``everyone`` where an attribute is unknown."""
    _, first = np.unique(person, return_index=True)
    if not attributes or any(name not in background.attributes for name in attributes):
        return np.full(len(first), EVERYONE)
    columns = [background.attributes[name][first] for name in attributes]
    return np.array(["/".join(labels) for labels in zip(*columns, strict=True)])


def _large_groups(group: npt.NDArray[np.str_]) -> tuple[str, ...]:
    names, people = np.unique(group, return_counts=True)
    large = tuple(str(name) for name in names[(people >= LEAST_REPEATED) & (names != UNKNOWN)])
    return large if len(large) > 1 else (EVERYONE,)


def _held_out(
    group: npt.NDArray[np.str_], repeated: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """(subjects,) which are kept for validation: of every group, with and without a second image, one in five."""
    order = rng.permutation(len(group))
    order = order[np.lexsort((repeated[order], group[order]))]
    held_out = np.zeros(len(group), dtype=bool)
    held_out[order[HELD_OUT // 2 :: HELD_OUT]] = True
    return held_out


def _shares(balance: Shares | None, groups: Sequence[str]) -> Shares:
    if balance is None:
        return dict.fromkeys(groups, 1 / len(groups))
    if unknown := sorted(set(balance) - set(groups)):
        raise InputError(f"balance names {unknown}; the background's groups are {list(groups)}.")
    if any(share < 0 for share in balance.values()) or abs(sum(balance.values()) - 1) > 1e-6:
        raise InputError(f"balance={dict(balance)}; expected shares of 0 or more that add up to 1.")
    # In the order of the groups, whatever the order of the mapping: it decides what is drawn when.
    return {group: balance[group] for group in groups if group in balance}
