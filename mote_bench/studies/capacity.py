"""Does a template that holds less give less away? Recognition against privacy, by how many numbers are stored.

    python -m mote_bench study capacity [--data FILE.npz] [--attribute gender] [--out boards/mote]

Closed-form templates of ever fewer features, 4 bits a number. The attacker holds the templates, the public features and
300 shadow subjects, and makes no query: a ridge regression from stored numbers to faces, and a logistic regression to
classes, both learned on the shadow subjects. That is a lower bound of what the suite's attacks reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import balanced_accuracy_score
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from mote_bench.contracts import FloatArray, InputError, Measurement, flat
from mote_bench.formatting import number, with_interval
from mote_bench.metrics.intervals import Interval, clustered_wilson, t_interval
from mote_bench.metrics.verification import Scores, measure_verification, threshold_at_fmr
from mote_bench.mote.closed_form import ClosedFormMOTE
from mote_bench.planning.split import Split
from mote_bench.studies.tables import StudyData, setting_of
from mote_bench.toolkit import on_sphere, unit

WIDTHS = (4, 8, 16, 32, 64, 128, 512)
FMR = "1e-3"
Labels = npt.NDArray[np.str_]
_PENALTIES = np.logspace(-3, 4, 15)


@dataclass(frozen=True)
class Line:
    """One capacity: what is stored, how it recognises, and what is read from it without a query."""

    features: int
    bytes: int
    fnmr: Measurement
    attribute: tuple[float, Interval]
    """Balanced accuracy."""
    cosine: tuple[float, Interval]
    """Centred, of the reconstruction with the enrolled face."""
    success: tuple[float, Interval]
    """Share of the subject's other images that the reconstruction matches by cosine, at FMR 1e-3."""
    wolf: float
    """Share of other subjects' images that it matches."""


def measure(parts: Split, attribute: str, widths: Sequence[int] = WIDTHS) -> list[Line]:
    """A line for each number of features; on one thread."""
    with threadpool_limits(limits=1):
        return [_line(parts, attribute, width) for width in widths]


def _line(parts: Split, attribute: str, width: int) -> Line:
    target, shadow = parts.target, parts.shadow
    if target.probes is None or shadow.probes is None:
        raise InputError("the data have no identities; expected them: recognition is part of this study")
    scheme = ClosedFormMOTE(features=width, form="int4").fit(parts.background, seed=0)
    stolen = scheme.enroll(target.references.embeddings, seeds=range(len(target.references)))
    own = scheme.enroll(shadow.references.embeddings, seeds=range(9000, 9000 + len(shadow.references)))
    impostor = Scores(scheme.score(own, shadow.probes.embeddings), np.arange(len(own)), shadow.shown).impostor
    found = Scores(scheme.score(stolen, target.probes.embeddings), np.arange(len(stolen)), target.shown)
    measured = measure_verification(found, {FMR: threshold_at_fmr(impostor, float(FMR))}, np.random.default_rng(0))
    mean = parts.background.embeddings.mean(axis=0)
    learned, read = scheme._heads(own), scheme._heads(stolen)
    rise = RidgeCV(_PENALTIES, fit_intercept=False).fit(learned, shadow.references.embeddings - mean).predict(read)
    cosines = (unit(rise) * unit(target.references.embeddings - mean)).sum(axis=1)
    reconstructed = on_sphere(mean, unit(rise))
    plain = shadow.references.embeddings @ shadow.probes.embeddings.T
    threshold = threshold_at_fmr(Scores(plain, np.arange(len(plain)), shadow.shown).impostor, float(FMR))
    matched = reconstructed @ target.probes.embeddings.T >= threshold
    mated = np.arange(len(reconstructed))[:, None] == target.shown
    hits, trials = (matched & mated).sum(axis=1), mated.sum(axis=1)
    return Line(
        width,
        len(stolen[0]),
        measured[flat("fnmr", FMR)],
        _predicted(learned, read, shadow.references.attributes[attribute], target.references.attributes[attribute]),
        (float(cosines.mean()), t_interval(cosines)),
        (float(hits.sum() / trials.sum()), clustered_wilson(hits, trials)),
        float(matched[~mated].mean()),
    )


def _predicted(learned: FloatArray, read: FloatArray, known: Labels, truth: Labels) -> tuple[float, Interval]:
    """Balanced accuracy of predicted classes, with its interval over subjects, drawn within each class."""
    scale = learned.std()
    model = LogisticRegression(max_iter=5000, class_weight="balanced").fit(learned / scale, known)
    predicted = model.predict(read / scale)
    classes = np.unique(truth)
    right = [(predicted == truth)[truth == label].astype(float) for label in classes]
    half = 1.96 * np.sqrt(sum(one.var() / len(one) for one in right)) / len(classes)
    value = float(balanced_accuracy_score(truth, predicted))
    return value, (max(0.0, value - half), min(1.0, value + half))


def render(data: str, attribute: str, people: int, lines: Sequence[Line]) -> str:
    """The lines as Markdown."""
    rows = [
        (
            line.features,
            line.bytes,
            with_interval(line.fnmr),
            *(f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, (low, high) in (line.attribute, line.cosine)),
            "{:.3f} [{:.3f}, {:.3f}]".format(line.success[0], *line.success[1]),
            number(line.wolf),
        )
        for line in lines
    ]
    titles = ("features", "bytes", f"FNMR at FMR {FMR}", f"{attribute}: balanced accuracy", "face: centred cosine",
              f"other image matched at FMR {FMR}", "wolf rate")  # fmt: skip
    table = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    return (
        f"# What templates of limited capacity give away: {data}\n\n{people} target subjects, 95 % intervals over "
        "subjects. The attacker reads the stored numbers, makes no query, and learned on shadow subjects: a lower "
        f"bound of what the suite's attacks reach.\n\n{table}\n\nMade by `python -m mote_bench study capacity "
        f"--data {data} --attribute {attribute}`.\n"
    )


def files(study: StudyData, attribute: str) -> dict[str, str]:
    """File name -> text of the table."""
    parts = setting_of(study, attribute).split
    lines = measure(parts, attribute)
    text = render(study.name, attribute, len(parts.target.references), lines)
    return {f"capacity-{study.name}-{attribute}.md": text}
