"""Every published metric: its name, the questions it belongs to, what it means, which way is better, its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ATTRIBUTE = "attribute"
"""Stands for every question about a soft-biometric class (gender, age, ...)."""

VALUE = "value"
"""Stands for every question about a soft-biometric number (the age in years, ...)."""


@dataclass(frozen=True)
class Metric:
    """One row of the catalogue.

    Attributes
    ----------
    metric : str
        As a measurement holds it.
    questions : tuple of str
        The questions whose records hold it.
    meaning : str
        In one line.
    better : {"lower", "higher", "neither"}
        Which way speaks for the scheme: for its privacy, or for its recognition, evenness or cost.
    source : str
        Where it is defined.
    at : str, optional
        The rate at which it is read; ``{fmr}`` stands for any.
    group : tuple of str
        What it is measured of; ``{attribute}``, ``{group}`` and ``{gallery}`` stand for any.
    """

    metric: str
    questions: tuple[str, ...]
    meaning: str
    better: Literal["lower", "higher", "neither"]
    source: str
    at: str | None = None
    group: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in published files: ``fnmr_{attribute}_{group}_at_fmr_{fmr}``."""
        from mote_bench.contracts import flat  # here, as it brings numpy with it

        return flat(self.metric, self.at, self.group)


_RATE = "{fmr}"
_ATTRIBUTE, _CLASS, _GALLERY = ("{attribute}",), ("{attribute}", "{group}"), ("{gallery}",)
_VERIFY, _FAIRNESS, _RECONSTRUCT, _LINK, _COST = ("verify",), ("fairness",), ("reconstruct",), ("link",), ("cost",)
_VALUE = (VALUE,)
_CARLINI = "Carlini et al., IEEE S&P 2022, arXiv 2112.03570"
_BONTRAGER = "Bontrager et al., BTAS 2018, arXiv 1705.07386"
_ISO = "ISO/IEC 19795-1:2021"
_MAI = "Mai et al., IEEE TPAMI 41 (2019), arXiv 1703.00832"
_GOMEZ = "Gomez-Barrero et al., IEEE TIFS 13 (2018), doi 10.1109/TIFS.2017.2788000"
_OTROSHI = "Otroshi Shahreza et al., IEEE TIFS 18 (2023), doi 10.1109/TIFS.2023.3266170"
_GARBE = "Howard et al., arXiv 2203.05051"
_ISO_TEMPLATES = "after renewability in ISO/IEC 24745:2022"
_ISO_PROTECTION = "ISO/IEC 30136:2018"
_OWN = "this suite"

METRICS: tuple[Metric, ...] = (
    Metric("eer", _VERIFY, "error rate at the threshold where FNMR equals FMR", "lower", _ISO),
    Metric("rank_1", _VERIFY, "share of probes whose best-scoring template is their person's", "higher", _ISO),
    Metric("fnmr", _VERIFY, "share of genuine claims refused at the threshold of this FMR", "lower", _ISO, at=_RATE),
    Metric(
        "fmr_reached",
        _VERIFY,
        "share of impostor claims accepted at that threshold, which was set on other people",
        "lower",
        _ISO,
        at=_RATE,
    ),
    Metric(
        "other_key_accepted",
        _VERIFY,
        "share of genuine claims under a key that the template wasn't made with, accepted all the same",
        "lower",
        _ISO_TEMPLATES,
        at=_RATE,
    ),
    Metric(
        "usable_keys",
        _VERIFY,
        "one over that share: keys for one person until one opens another's template; at most the number of trials",
        "higher",
        _ISO_TEMPLATES,
        at=_RATE,
    ),
    Metric(
        "fdr",
        _FAIRNESS,
        "1 minus the weighted largest gaps in FMR and FNMR",
        "higher",
        "de Freitas Pereira & Marcel, IEEE TBIOM 4 (2022), arXiv 2011.02395",
        at=_RATE,
        group=_ATTRIBUTE,
    ),
    Metric(
        "ir",
        _FAIRNESS,
        "weighted product of max / min FMR and max / min FNMR",
        "lower",
        _GARBE,
        at=_RATE,
        group=_ATTRIBUTE,
    ),
    Metric(
        "garbe",
        _FAIRNESS,
        "weighted Gini coefficients of the groups' FMR and FNMR",
        "lower",
        _GARBE,
        at=_RATE,
        group=_ATTRIBUTE,
    ),
    Metric(
        "ser",
        _FAIRNESS,
        "highest over lowest EER of a group",
        "lower",
        "Wang & Deng, CVPR 2020, arXiv 1911.10692",
        group=_ATTRIBUTE,
    ),
    Metric(
        "fnmr",
        _FAIRNESS,
        "FNMR of one group",
        "lower",
        _ISO,
        at=_RATE,
        group=_CLASS,
    ),
    Metric(
        "fmr",
        _FAIRNESS,
        "FMR between people of one group",
        "lower",
        _ISO,
        at=_RATE,
        group=_CLASS,
    ),
    Metric(
        "balanced_accuracy",
        (ATTRIBUTE,),
        "mean over the classes of the share told right",
        "lower",
        "Brodersen et al., ICPR 2010",
    ),
    Metric("accuracy", (ATTRIBUTE,), "share of people whose class is told right", "lower", "share of correct answers"),
    Metric(
        "attack_gain",
        (ATTRIBUTE,),
        "accuracy above always saying the majority class, 1 = always right",
        "lower",
        "Cohen's form of a gain over chance, with the majority class as chance",
    ),
    Metric(
        "auc",
        (ATTRIBUTE,),
        "area under the ROC of each class against the rest, averaged",
        "lower",
        "Hanley & McNeil, Radiology 143 (1982)",
    ),
    Metric(
        "centred_cosine",
        _RECONSTRUCT,
        "cosine of rebuilt and enrolled embedding, seen from the average face",
        "lower",
        _OWN,
    ),
    Metric(
        "cosine_gain",
        _RECONSTRUCT,
        "centred cosine with the own reference minus that with other people's",
        "lower",
        _OWN,
    ),
    Metric(
        "type_1_success",
        _RECONSTRUCT,
        "share of reconstructions accepted as the enrolled image",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "type_2_success",
        _RECONSTRUCT,
        "share of the person's other photos that accept the reconstruction",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "wolf_rate",
        _RECONSTRUCT,
        "share of other people's photos that accept the reconstruction",
        "lower",
        "after the wolf attack of Une, Otsuka & Imai, ICB 2007",
        at=_RATE,
    ),
    Metric("success_gain", _RECONSTRUCT, "type 2 success minus wolf rate", "lower", _OWN, at=_RATE),
    Metric(
        "genuine_success",
        _RECONSTRUCT,
        "share of the person's other photos that accept the enrolled photo itself",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "type_2_success_at_wolf_rate",
        _RECONSTRUCT,
        "type 2 success at the threshold where the reconstructions' own wolf rate is this",
        "lower",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "uncentred_type_1_success",
        _RECONSTRUCT,
        "as type 1 success, but by a recogniser that compares embeddings without centring them",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "uncentred_type_2_success",
        _RECONSTRUCT,
        "as type 2 success, but by a recogniser that doesn't centre; to be read against the mean face's",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "uncentred_wolf_rate",
        _RECONSTRUCT,
        "share of other people's photos that accept the reconstruction where nothing is centred",
        "lower",
        "after the wolf attack of Une, Otsuka & Imai, ICB 2007",
        at=_RATE,
    ),
    Metric(
        "mean_face_type_2_success",
        _RECONSTRUCT,
        "uncentred type 2 success of the public faces' mean, which knows nothing of anybody",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "mean_face_wolf_rate",
        _RECONSTRUCT,
        "share of other people's photos that accept this mean face, uncentred",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_type_1_success",
        _RECONSTRUCT,
        "share of reconstructions that a second recogniser accepts as the enrolled image",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_type_2_success",
        _RECONSTRUCT,
        "share of the person's other photos that accept the reconstruction at a second recogniser",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_wolf_rate",
        _RECONSTRUCT,
        "share of other people's photos that accept the reconstruction at a second recogniser",
        "lower",
        "after the wolf attack of Une, Otsuka & Imai, ICB 2007",
        at=_RATE,
    ),
    Metric(
        "second_recogniser_genuine_success",
        _RECONSTRUCT,
        "share of the person's other photos that accept the enrolled photo itself at a second recogniser",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric("d_sys", _LINK, "mean linkability of mated scores, to be read against its null", "lower", _GOMEZ),
    Metric("d_sys_null", _LINK, "D_sys under random mates: what chance shows at these pairs and bins", "neither", _OWN),
    Metric(
        "maximal_linkability",
        _LINK,
        "bound on any linker, log2(1 + total variation distance), to be read against its null",
        "lower",
        _OTROSHI,
    ),
    Metric("maximal_linkability_null", _LINK, "maximal linkability under random mates", "neither", _OWN),
    Metric(
        "eer",
        _LINK,
        "error rate of telling mated from non-mated records where both errors are equally frequent",
        "higher",
        _ISO,
    ),
    Metric(
        "rank_1", _LINK, "share of records whose best-scoring record of the other database is their mate", "lower", _ISO
    ),
    Metric(
        "rank_1_of",
        _LINK,
        "expected share of records whose mate scores best in a random gallery of this many records",
        "lower",
        _ISO,
        group=_GALLERY,
    ),
    Metric("correlation", _VALUE, "Pearson's correlation of estimates with the true numbers", "lower", _OWN),
    Metric("mae", _VALUE, "mean absolute error of the estimates, in the attribute's unit", "higher", _OWN),
    Metric(
        "top_1", ("photo",), "share of people whose enrolled photo is ranked first among the candidates", "lower", _OWN
    ),
    Metric("auc", ("member",), "chance that a member is ranked before another person", "lower", _CARLINI),
    Metric(
        "tpr_at_fpr",
        ("member",),
        "share of members found at one false alarm in a hundred others",
        "lower",
        _CARLINI,
        at="1e-2",
    ),
    Metric(
        "opened_by",
        ("wolf",),
        "share of people whose template one chosen face opens",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=("1",),
    ),
    Metric(
        "opened_by",
        ("wolf",),
        "share of people whom any of ten chosen faces opens",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=("10",),
    ),
    Metric(
        "opens_one_of",
        ("wolf",),
        "chance that the first face opens somebody among so many people",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=_GALLERY,
    ),
    Metric("seconds_per_enrolment", _COST, "time to make one template", "lower", _OWN),
    Metric(
        "accepted",
        _RECONSTRUCT,
        "share of reconstructions that open the attacked template in the running system, at its own threshold",
        "lower",
        _ISO_PROTECTION,
        at=_RATE,
    ),
    Metric(
        "accepted_after_renewal",
        _RECONSTRUCT,
        "share that opens the same person's template made of another photo under another key",
        "lower",
        _ISO_PROTECTION,
        at=_RATE,
    ),
    Metric(
        "accepted_by_another",
        _RECONSTRUCT,
        "share that opens somebody else's template: what a face that opens everything would score",
        "lower",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "queries_per_person",
        (*_RECONSTRUCT, ATTRIBUTE, VALUE),
        "queries to the running system; the limits are the fewest and the most for one person",
        "neither",
        _OWN,
    ),
    Metric("seconds_per_score", _COST, "time to compare one template with one probe", "lower", _OWN),
    Metric("bytes_per_template", _COST, "mean size of a stored template", "lower", _OWN),
    Metric("key_bytes_per_person", _COST, "size of the secret that is kept outside the database", "lower", _OWN),
)


def describe(name: str, question: str | None = None) -> Metric:
    """The row of a metric by its published name, suffixes filled in or not.

    Parameters
    ----------
    name : str
        For example ``fnmr_gender_female_at_fmr_1e-2``.
    question : str, optional
        The kind of the record's question, as it stands in ``questions``. ``eer`` and ``rank_1`` point one way for
        recognition (``verify``) and the other for privacy (``link``); without a question the row for recognition is
        given.

    Raises
    ------
    InputError
        On a name that no row describes.
    """
    found = row(name, [metric for metric in METRICS if question is None or question in metric.questions])
    if found is not None:
        return found
    from mote_bench.contracts import InputError  # here, as it brings numpy with it

    known = ", ".join(dict.fromkeys(metric.name for metric in METRICS))
    where = "" if question is None else f" of question '{question}'"
    raise InputError(f"no metric is called '{name}'{where}; expected one of {known}.")


def row(name: str, rows: Iterable[Metric]) -> Metric | None:
    """The first of some rows that describes a metric by its published name."""
    from .names import read  # here, as it imports this module

    return next((metric for metric in rows if read(name, metric) is not None), None)
