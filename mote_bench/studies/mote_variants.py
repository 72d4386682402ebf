"""What MOTE's variants cost and what they recognise, side by side in one run: a table, its CSV and a plot.

    python -m mote_bench study frontier [--data FILE.npz] [--dimension 512] [--enrolled 400 --images 5000]
        [--variants solved,linear] [--out FOLDER]

Times are CPU seconds of one thread, and their ratios to the loop that trains one person's net after the other compare
variants; absolute times are this machine's. Error rates are those of a protocol's target people, at thresholds set on
its shadow people; with ``--enrolled`` and ``--images``, which enrolment's cost depends on, of so many people who have
the fewest photos, at thresholds set on half as many others. ``--dimension`` puts faces into more dimensions by a random
isometry with noise: it costs what embeddings of that dimension cost, and says no more than the data do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from tabulate import tabulate
from threadpoolctl import threadpool_limits

from mote_bench import registry
from mote_bench.contracts import Faces, FloatArray, InputError, Measurement, flat
from mote_bench.formatting import number, times, with_interval
from mote_bench.metrics.verification import Scores, measure_verification, threshold_at_fmr
from mote_bench.mote import variants
from mote_bench.mote.closed_form import LINEAR_RIDGE, ClosedFormMOTE
from mote_bench.mote.codec import decode, encode
from mote_bench.mote.compressed import FORMS, CompressedMOTE, compressed
from mote_bench.mote.recipe import Recipe
from mote_bench.mote.scheme import MOTE
from mote_bench.mote.solved import SolvedMOTE
from mote_bench.mote.train import begin
from mote_bench.planning.split import Enrolled, Split, sized
from mote_bench.report.plots import Point, scatter, standing
from mote_bench.report.results import written
from mote_bench.studies.operations import enrolment, median, one_product, scoring
from mote_bench.studies.reference_loop import train_one
from mote_bench.studies.tables import StudyData, setting_of
from mote_bench.toolkit import stream

FMR = "1e-3"
EPOCHS = 120
"""At most, in the released code; a person's training stops after five without progress."""
LOOPED = 6
"""How many people the loop is timed on."""
_ENROLLED, _IMAGES = 400, 5000
"""Of the two, what isn't given where the other is."""
_DRAWN = 0.3
"""The plot leaves out variants with a larger false non-match rate."""
_TIMED = 64
"""How many are enrolled side by side to see how far that is from the machine's limit."""

VARIANTS: dict[str, Callable[[], Any]] = {
    "cosine (a vector)": partial(registry.load, "schemes", "cosine"),
    "net, released schedule (the loop's result)": partial(MOTE, epochs=EPOCHS),
    "net, batched (mote)": MOTE,
    "net, solved (mote-solved)": SolvedMOTE,
    "net 64-16 (mote-small)": variants.small,
    "net 256-128 (mote-wide)": variants.wide,
    "net, random widths (mote-random-widths)": variants.random_widths,
    **{f"net, {form}": partial(CompressedMOTE, form=form) for form in FORMS},
    "linear, float32 (mote-linear)": partial(ClosedFormMOTE, features=0, ridge=LINEAR_RIDGE),
    "linear, int8": partial(ClosedFormMOTE, features=0, ridge=LINEAR_RIDGE, form="int8"),
    "linear, int4": partial(ClosedFormMOTE, features=0, ridge=LINEAR_RIDGE, form="int4"),
    "linear, ternary": partial(ClosedFormMOTE, features=0, ridge=LINEAR_RIDGE, form="ternary"),
    "2,048 features, float32 (mote-features)": partial(ClosedFormMOTE, features=2048),
    "2,048 features, float16": partial(ClosedFormMOTE, features=2048, form="float16"),
    "2,048 features, int8": partial(ClosedFormMOTE, features=2048, form="int8"),
    "2,048 features, int4": partial(ClosedFormMOTE, features=2048, form="int4"),
    "2,048 features, ternary": partial(ClosedFormMOTE, features=2048, form="ternary"),
    "features, int8, a vector's bytes (mote-features-int8)": partial(ClosedFormMOTE, form="int8"),
    "features, int4, a vector's bytes (mote-features-int4)": partial(ClosedFormMOTE, form="int4"),
    "512 features, int4": partial(ClosedFormMOTE, features=512, form="int4"),
}


@dataclass(frozen=True)
class Line:
    """One variant."""

    name: str
    enrolment: float
    """CPU seconds a person."""
    verification: float
    """Seconds for one template and one probe."""
    bytes: int
    eer: Measurement
    fnmr: Measurement
    to_loop: float
    operations: float
    """Multiplications and additions of an enrolment; of a net that is trained, of an epoch."""
    to_limit: float
    """Of these: times what as many take as one matrix product."""
    to_product: float
    """Of scoring all against all: the same."""


def measure(parts: Split, variants: dict[str, Callable[[], Any]] = VARIANTS) -> tuple[float, list[Line]]:
    """Seconds a person of the loop, and a line per variant; on one thread."""
    with threadpool_limits(limits=1):
        loop = _loop(parts)
        trained = _Trained()
        return loop, [_line(name, make(), parts, loop, trained) for name, make in variants.items()]


class _Trained:
    """Templates of ``mote``, which smaller forms of the same nets are made from instead of training them again."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[list[bytes], float]] = {}

    def enrolled(self, scheme: Any, faces: FloatArray, first: int) -> tuple[list[bytes], float]:
        """Templates of ``faces``, whose seeds count from ``first``, and seconds a person."""
        start = time.process_time()
        if isinstance(scheme, CompressedMOTE) and first in self._kept:
            whole, before = self._kept[first]
            made = [compressed(decode(one), scheme.form) for one in whole]
        else:
            made, before = scheme.enroll(faces, keys=None, seeds=range(first, first + len(faces))), 0.0
        taken = before + (time.process_time() - start) / len(made)
        if type(scheme) is MOTE and scheme.recipe == Recipe():
            self._kept[first] = made, taken
        return made, taken


def _loop(parts: Split) -> float:
    """Training one person's net after the other in plain PyTorch, as the paper's code does."""
    scheme = MOTE(epochs=EPOCHS).fit(parts.background, seed=0)
    crowds: dict[str, Any] = {
        "training": scheme._training, "validation": scheme._validation, "recipe": scheme.recipe
    }  # fmt: skip
    shares = dict.fromkeys(scheme.groups, 1 / len(scheme.groups))
    seconds = []
    for seed, face in enumerate(parts.target.references.embeddings[: LOOPED + 1]):
        start = time.process_time()
        encode(train_one(begin(face, seed=seed, shares=shares, **crowds), **crowds, seed=scheme._order))
        seconds.append(time.process_time() - start)
    return float(np.median(seconds[1:]))  # the first one loads torch's optimisers


def _line(name: str, scheme: Any, parts: Split, loop: float, trained: _Trained) -> Line:
    scheme.fit(parts.background, seed=0)
    target, shadow = parts.target, parts.calibration
    scheme.enroll(target.references.embeddings[:2], keys=None, seeds=range(2))
    templates, seconds = trained.enrolled(scheme, target.references.embeddings, 0)
    others, _ = trained.enrolled(scheme, shadow.references.embeddings, 9000)
    impostor = _scores(scheme, others, shadow).impostor
    found = _scores(scheme, templates, target)
    measured = measure_verification(found, {FMR: threshold_at_fmr(impostor, float(FMR))}, np.random.default_rng(0))
    probes = _probes(target)
    counted, to_limit = _enrolment_work(scheme, parts)
    return Line(
        name=name,
        enrolment=seconds,
        verification=median(lambda: scheme.score(templates[:1], probes[:1], keys=None)),
        bytes=round(float(np.mean([len(one) for one in templates]))),
        eer=measured["eer"],
        fnmr=measured[flat("fnmr", FMR)],
        to_loop=loop / seconds,
        operations=counted,
        to_limit=to_limit,
        to_product=median(lambda: scheme.score(templates, probes, keys=None))
        / one_product(scoring(scheme, len(templates), *probes.shape)),
    )


def _enrolment_work(scheme: Any, parts: Split) -> tuple[float, float]:
    """Operations of an enrolment, or of an epoch of it, and how far it is from what one product of them takes."""
    once, (images, dimension) = scheme, parts.background.embeddings.shape
    if isinstance(scheme, MOTE) and not isinstance(scheme, SolvedMOTE):
        once = copy(scheme)
        once.recipe = replace(scheme.recipe, epochs=1)
        images = len(scheme._training.faces)
    faces = parts.target.references.embeddings[:_TIMED]
    counted = enrolment(scheme, images, len(parts.background) - images, dimension)
    seconds = median(lambda: once.enroll(faces, keys=None, seeds=range(len(faces))), rounds=3) / len(faces)
    return counted, seconds / one_product(counted)


def _probes(people: Enrolled) -> FloatArray:
    if people.probes is None:
        raise ValueError("the variants are compared by how they recognise people: the data must say who is shown")
    return people.probes.embeddings


def _scores(scheme: Any, templates: Sequence[bytes], people: Enrolled) -> Scores:
    values = scheme.score(templates, _probes(people), keys=None)
    return Scores(values, np.arange(len(templates)), people.shown)


def render(data: str, options: str, parts: Split, loop: float, lines: Sequence[Line]) -> dict[str, str]:
    """File name -> text of the table, its CSV and the plot; ``options`` are the command's."""
    return {
        f"{data}.md": _markdown(data, options, parts, loop, lines),
        f"{data}.csv": _csv(lines),
        f"{data}.svg": _plot(lines),
    }


def _markdown(data: str, options: str, parts: Split, loop: float, lines: Sequence[Line]) -> str:
    titles = ("variant", "enrolment, ms", "to the loop", "bytes", "EER", f"FNMR at FMR {FMR}", "one score, ms",
              "all scores, to one product", "operations, M", "enrolment, to one product")  # fmt: skip
    rows = [
        (line.name, f"{1000 * line.enrolment:.3g}", times(line.to_loop), f"{line.bytes:,}",
         with_interval(line.eer), with_interval(line.fnmr),
         f"{1000 * line.verification:.2g}", times(line.to_product), f"{line.operations / 1e6:,.3g}",
         times(line.to_limit))
        for line in lines
    ]  # fmt: skip
    table = tabulate(rows, headers=titles, tablefmt="pipe", disable_numparse=True)
    people, (images, dimension) = len(parts.target.references), parts.background.embeddings.shape
    head = (
        f"# What MOTE's variants cost and recognise: {data}\n\n{people} people, 95 % intervals over people; {images:,} "
        f"background embeddings of {dimension} dimensions; CPU time of one thread. The loop that trains one net after "
        f"the other, with the released {EPOCHS} epochs at most, takes {1000 * loop:,.0f} ms a person; enrolment is "
        "given in multiples of its speed."
    )
    if any("released schedule" in line.name for line in lines):
        head += (
            " What the loop's nets recognise stands in the row of the released schedule, which trains the same nets "
            "but for rounding."
        )
    head += (
        " Operations are the multiplications and additions of an enrolment, of a trained net those of an epoch; what "
        "one matrix product of as many takes is the machine's limit."
    )
    left = [f"{line.name} ({number(line.fnmr.value)})" for line in lines if line.fnmr.value > _DRAWN]
    more = f"\n\nNot drawn, as far above: {'; '.join(left)}." if left else ""
    made = f"Made by `python -m mote_bench study frontier {options}`."
    return f"{head}\n\n{table}\n\n![bytes against FNMR]({data}.svg){more}\n\n{made}\n"


def _csv(lines: Sequence[Line]) -> str:
    columns = [
        "variant", "seconds_per_enrolment", "loop_to_enrolment", "bytes", "eer", "eer_low", "eer_high", "fnmr",
        "fnmr_low", "fnmr_high", "n", "seconds_per_score", "scores_to_product", "operations", "enrolment_to_product",
    ]  # fmt: skip
    rows = [
        [
            line.name, line.enrolment, line.to_loop, line.bytes, *_ends(line.eer), *_ends(line.fnmr), line.fnmr.n,
            line.verification, line.to_product, line.operations, line.to_limit,
        ]
        for line in lines
    ]  # fmt: skip
    return written(columns, rows)


def _plot(lines: Sequence[Line]) -> str:
    points = list(_points([line for line in lines if line.fnmr.value <= _DRAWN]))
    said = "; ".join(f"{line.name}: {line.bytes:,} bytes, FNMR {number(line.fnmr.value)}" for line in lines)
    labels = ("bytes per template", f"FNMR at FMR {FMR}")
    svg = scatter(points, labels, log=True, name="variants", alt=f"Bytes against FNMR. {said}.")
    return standing(svg)


def _points(lines: Sequence[Line]) -> Iterator[Point]:
    """Named: the front, and what is a scheme of the suite."""
    for line in lines:
        beaten = any(other.bytes <= line.bytes and other.fnmr.value < line.fnmr.value for other in lines)
        plain, _, scheme = line.name.partition(" (")
        name = plain.replace(", a vector's bytes", " (vector's bytes)") if scheme or not beaten else ""
        size = float(line.bytes)
        yield Point(name, (size, size, size), _ends(line.fnmr), front=not beaten, quiet=line.name.startswith("cosine"))


def _ends(one: Measurement) -> tuple[float, float, float]:
    return one.value, one.low, one.high


@dataclass(frozen=True)
class Size:
    """What the variants are compared on, where it isn't the protocol's people in the data's own dimensions.

    Attributes
    ----------
    dimension : int, optional
        Faces are put into this many dimensions.
    enrolled, images : int, optional
        How many subjects are enrolled, and how many background images a scheme is fitted on.
    """

    dimension: int | None = None
    enrolled: int | None = None
    images: int | None = None


def files(study: StudyData, size: Size, *, variants: str = "") -> dict[str, str]:
    """File name -> text of the table, its CSV and the plot.

    ``variants`` is a comma list of words: only variants whose name has one of them are measured.
    """
    words = [word.strip() for word in variants.split(",")]
    chosen = {variant: make for variant, make in VARIANTS.items() if any(word in variant for word in words)}
    if not chosen:
        raise InputError(f"no variant has '{variants}' in its name; there are: {'; '.join(VARIANTS)}")
    setting = setting_of(study)
    parts, name, how = setting.split, study.name, f"--data {study.name}"
    if size.enrolled is not None or size.images is not None:
        enrolled = _ENROLLED if size.enrolled is None else size.enrolled
        images = _IMAGES if size.images is None else size.images
        parts = sized(setting.data.faces, enrolled=enrolled, images=images, seed=0)
        name, how = f"{name}-{enrolled}-of-{images}", f"{how} --enrolled {enrolled} --images {images}"
    if size.dimension is not None:
        parts = lifted(parts, size.dimension)
        name, how = f"{name}-{size.dimension}", f"{how} --dimension {size.dimension}"
    if variants:
        how = f"{how} --variants '{variants}'"
    return render(name, how, parts, *measure(parts, chosen))


def lifted(parts: Split, dimension: int, *, seed: int = 0) -> Split:
    """The same people in more dimensions: turned into them by a random isometry, with noise of a tenth of the length.

    Raises
    ------
    InputError
        When the faces have as many dimensions already.
    """
    own = parts.background.embeddings.shape[1]
    if dimension < own:
        raise InputError(f"--dimension {dimension}: the faces have {own}; expected at least as many")
    turn = np.linalg.qr(stream(seed, "lifted", dimension).standard_normal((dimension, own)))[0].T

    def faces(few: Faces | None, name: str) -> Faces | None:
        if few is None:
            return None
        noise = stream(seed, "lifted", name).standard_normal((len(few), dimension)) * (0.1 / dimension**0.5)
        return Faces(few.embeddings @ turn + noise, few.identity, few.attributes, few.values)

    def enrolled(people: Enrolled, name: str) -> Enrolled:
        made = {part: faces(getattr(people, part), f"{name} {part}") for part in ("references", "seconds", "probes")}
        return replace(people, **made)  # type: ignore[arg-type]

    background = faces(parts.background, "background")
    assert background is not None
    # The names of the sets decide the noise, so they stay as they were in the first edition.
    sets = {"shadow": parts.shadow, "rehearsal": parts.selection, "target": parts.target}
    shadow, selection, target = (enrolled(people, name) for name, people in sets.items())
    return Split(background, shadow, selection, target, shadow, background, parts.has_identity)
