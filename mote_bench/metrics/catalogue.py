"""Every published metric: its name, the questions it belongs to, what it means, which way is better, its source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mote_bench.basics import InputError, flat

ATTRIBUTE = "attribute"
"""Stands for every question about a soft-biometric class (gender, age, ...)."""

VALUE = "value"
"""Stands for every question about a soft-biometric number (the age in years, ...)."""

FTA, FTE, SCHEME_FTE, GENERALISED = "fta", "fte", "scheme_fte", "generalised_fnmr"
"""Failures to acquire and to enrol: of pictures, of subjects without a usable picture, of enrolments that the scheme
refused; and FNMR with all of them. :mod:`mote_bench.metrics.enrolment` computes them."""


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
        Which way is better for the scheme: for its privacy, recognition, fairness or cost.
    source : str
        Where it is defined.
    at : str, optional
        The rate at which it is read; ``{fmr}`` stands for any.
    group : tuple of str
        What it is measured of; ``{attribute}``, ``{group}`` and ``{gallery}`` stand for any.
    short : str
        Its name in narrow headings, at most ten characters; by default its own words.
    """

    metric: str
    questions: tuple[str, ...]
    meaning: str
    better: Literal["lower", "higher", "neither"]
    source: str
    at: str | None = None
    group: tuple[str, ...] = ()
    short: str = ""

    @property
    def name(self) -> str:
        """As it stands in published files: ``fnmr_{attribute}_{group}_at_fmr_{fmr}``."""
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
_ISO_TAIL = "after ISO/IEC 5152:2024; Hosking & Wallis, Technometrics 29 (1987)"
_ISO_GROUPS = "after ISO/IEC 19795-10:2024"
_FRVT_8 = "NIST FRVT Part 8 (NISTIR 8429)"
_OWN = "this suite"

METRICS: tuple[Metric, ...] = (
    Metric("eer", _VERIFY, "equal error rate: the error rate at the threshold where FNMR equals FMR", "lower", _ISO),
    Metric(
        "rank_1",
        _VERIFY,
        "identification: proportion of probes whose best-scoring template is the mated one",
        "higher",
        _ISO,
    ),
    Metric(
        "fnmr",
        _VERIFY,
        "false non-match rate: proportion of mated comparisons rejected at this FMR",
        "lower",
        _ISO,
        at=_RATE,
    ),
    Metric(
        "fmr_reached",
        _VERIFY,
        "FMR measured on the target subjects at the threshold set on calibration subjects",
        "lower",
        _ISO,
        at=_RATE,
    ),
    Metric(
        "plain_fnmr",
        _VERIFY,
        "FNMR of the plain vectors at the FMR that a scheme with a built-in threshold reaches",
        "lower",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "plain_fmr_reached",
        _VERIFY,
        "FMR of the plain vectors, at the threshold where plain_fnmr is measured",
        "lower",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "other_key_accepted",
        _VERIFY,
        "proportion of mated comparisons that are accepted although the key is not the template's",
        "lower",
        _ISO_TEMPLATES,
        at=_RATE,
    ),
    Metric(
        "usable_keys",
        _VERIFY,
        "1 / other_key_accepted: keys a subject can use until two are interchangeable; at most the number of trials",
        "higher",
        _ISO_TEMPLATES,
        at=_RATE,
    ),
    *(
        Metric(name, _VERIFY, meaning.format(faces=faces), "higher", _OWN, at=_RATE, group=(group,), short="bits")
        for group, faces in (
            ("prior", "faces of a prior fitted to public embeddings"),
            ("public", "public faces; set by this FMR itself, unless the threshold is set with other keys presented"),
            ("uniform", "directions drawn uniformly"),
        )
        for name, meaning in (
            ("false_accept_bits", "minus log2 of the mean acceptance, key known, of {faces}"),
            ("least_false_accept_bits", "in its place where no face was accepted: a lower bound for {faces}"),
        )
    ),
    Metric(
        FTA,
        _VERIFY,
        "failure to acquire: proportion of all pictures of the data set that gave no embedding",
        "lower",
        _ISO,
        short="FTA",
    ),
    Metric(
        FTE,
        _VERIFY,
        "failure to enrol: proportion of all subjects of the data set of whom no picture gave an embedding",
        "lower",
        _ISO,
        short="FTE",
    ),
    Metric(
        SCHEME_FTE,
        _VERIFY,
        "failure to enrol by the scheme: proportion of the target subjects' enrolments that gave no template",
        "lower",
        _ISO,
        short="FTE scheme",
    ),
    Metric(
        GENERALISED,
        _VERIFY,
        "FNMR where failures to enrol and to acquire count as rejections, as far as they are known",
        "lower",
        _ISO,
        at=_RATE,
        short="gen. FNMR",
    ),
    Metric(
        "tail_threshold",
        _VERIFY,
        "threshold at an FMR too low to count, by a Pareto tail of the calibration subjects' impostor scores",
        "neither",
        _ISO_TAIL,
        at=_RATE,
    ),
    Metric(
        "tail_fnmr",
        _VERIFY,
        "FNMR at an FMR too low to count: the threshold comes from a Pareto tail of the impostor scores",
        "lower",
        _ISO_TAIL,
        at=_RATE,
        short="FNMR, tail",
    ),
    Metric(
        "tail_fmr_reached",
        _VERIFY,
        "FMR counted on the target subjects at the threshold of the Pareto tail",
        "lower",
        _ISO,
        at=_RATE,
    ),
    Metric(
        "worst_tenth_fnmr",
        _VERIFY,
        "mean FNMR of the tenth of the subjects with the most errors; chance: if errors fell on trials at random",
        "lower",
        _OWN,
        at=_RATE,
        short="worst 10 %",
    ),
    *(
        Metric(f"{metric}_at_fpir_{rate}_of", _VERIFY, meaning, "lower", _ISO, group=_GALLERY, short=short)
        for rate in ("1e-1", "1e-2")
        for metric, meaning, short in (
            (
                "fnir",
                "open-set FNIR in a gallery of this many: the mated template isn't the best or is below the threshold",
                "FNIR",
            ),
            (
                "fpir_reached",
                "FPIR measured on the target subjects at the threshold set on calibration subjects",
                "FPIR",
            ),
        )
    ),
    *(
        Metric(f"{ratio}{name}", _FAIRNESS, meaning.format(what=what), "lower", source, group=group)
        for name, what in (
            (FTA, "failure to acquire"),
            (FTE, "failure to enrol for want of a usable picture"),
            (SCHEME_FTE, "failure to enrol by the scheme"),
        )
        for ratio, meaning, source, group in (
            ("max_ratio_", "highest rate of a group divided by the geometric mean: {what}", _FRVT_8, _ATTRIBUTE),
            ("", "rate of one group: {what}", _ISO, _CLASS),
        )
    ),
    Metric(
        "max_ratio_fmr",
        _FAIRNESS,
        "highest FMR of a group divided by the geometric mean of the groups' FMRs",
        "lower",
        _FRVT_8,
        at=_RATE,
        group=_ATTRIBUTE,
    ),
    Metric(
        "max_ratio_fnmr",
        _FAIRNESS,
        "highest FNMR of a group divided by the geometric mean of the groups' FNMRs",
        "lower",
        _FRVT_8,
        at=_RATE,
        group=_ATTRIBUTE,
    ),
    Metric(
        "genuine_shift",
        _FAIRNESS,
        "mean genuine score of a group minus that of the other groups, in pooled standard deviations",
        "neither",
        _ISO_GROUPS,
        group=_CLASS,
    ),
    Metric(
        "impostor_shift",
        _FAIRNESS,
        "mean impostor score within a group minus that within the other groups, in pooled standard deviations",
        "neither",
        _ISO_GROUPS,
        group=_CLASS,
    ),
    Metric(
        "fdr",
        _FAIRNESS,
        "1 minus the weighted largest differences in FMR and FNMR between groups",
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
        "highest EER of a group divided by the lowest",
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
        "FMR between subjects of one group",
        "lower",
        _ISO,
        at=_RATE,
        group=_CLASS,
    ),
    Metric(
        "balanced_accuracy",
        (ATTRIBUTE,),
        "mean per-class recall",
        "lower",
        "Brodersen et al., ICPR 2010",
        short="bal. acc.",
    ),
    Metric("accuracy", (ATTRIBUTE,), "proportion of subjects classified correctly", "lower", _OWN),
    Metric(
        "attack_gain",
        (ATTRIBUTE,),
        "accuracy above that of always predicting the majority class; 1 = all correct",
        "lower",
        "Cohen's form of a gain over chance, with the majority class as chance",
    ),
    Metric(
        "auc",
        (ATTRIBUTE,),
        "area under the ROC curve, one class against the rest, mean over the classes",
        "lower",
        "Hanley & McNeil, Radiology 143 (1982)",
        short="AUC",
    ),
    Metric(
        "centred_cosine",
        _RECONSTRUCT,
        "cosine of reconstructed and enrolled embedding after subtraction of the background mean",
        "lower",
        _OWN,
    ),
    Metric(
        "cosine_gain",
        _RECONSTRUCT,
        "centred cosine to the subject's own reference minus the mean to other subjects' references",
        "lower",
        _OWN,
        short="cos. gain",
    ),
    Metric(
        "type_1_success",
        _RECONSTRUCT,
        "type I SAR: proportion of reconstructions accepted against the enrolled image",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "type_2_success",
        _RECONSTRUCT,
        "type II SAR: proportion of the subject's other images that the reconstruction is accepted against",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "wolf_rate",
        _RECONSTRUCT,
        "proportion of other subjects' images that the reconstruction is accepted against",
        "lower",
        "after the wolf attack of Une, Otsuka & Imai, ICB 2007",
        at=_RATE,
    ),
    Metric("success_gain", _RECONSTRUCT, "type II SAR minus wolf rate", "lower", _OWN, at=_RATE, short="gain"),
    Metric(
        "genuine_success",
        _RECONSTRUCT,
        "proportion of the subject's other images that the enrolled image itself is accepted against",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "type_2_success_at_wolf_rate",
        _RECONSTRUCT,
        "type II SAR at the threshold where the reconstructions' wolf rate equals this rate",
        "lower",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "uncentred_type_1_success",
        _RECONSTRUCT,
        "type I SAR against a recogniser that compares embeddings without centring them",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "uncentred_type_2_success",
        _RECONSTRUCT,
        "type II SAR against a recogniser without centring; compare it with mean_face_type_2_success",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "uncentred_wolf_rate",
        _RECONSTRUCT,
        "wolf rate against a recogniser without centring",
        "lower",
        "after the wolf attack of Une, Otsuka & Imai, ICB 2007",
        at=_RATE,
    ),
    Metric(
        "mean_face_type_2_success",
        _RECONSTRUCT,
        "uncentred type II SAR of the background mean, which holds nothing of any target subject",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "mean_face_wolf_rate",
        _RECONSTRUCT,
        "uncentred wolf rate of the background mean",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_type_1_success",
        _RECONSTRUCT,
        "type I SAR at a second recogniser",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_type_2_success",
        _RECONSTRUCT,
        "type II SAR at a second recogniser",
        "lower",
        _MAI,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_wolf_rate",
        _RECONSTRUCT,
        "wolf rate at a second recogniser",
        "lower",
        "after the wolf attack of Une, Otsuka & Imai, ICB 2007",
        at=_RATE,
    ),
    Metric(
        "second_recogniser_genuine_success",
        _RECONSTRUCT,
        "type II SAR of the enrolled image itself at a second recogniser",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "second_recogniser_mapped_success",
        _RECONSTRUCT,
        "type II SAR of the enrolled embedding itself, mapped to a second recogniser: the ceiling of the mapped rates",
        "neither",
        _OWN,
        at=_RATE,
    ),
    Metric("d_sys", _LINK, "global linkability of the attack's scores; compare it with d_sys_null", "lower", _GOMEZ),
    Metric(
        "d_sys_null",
        _LINK,
        "D_sys with randomly permuted mates: its value by chance at this sample size and binning",
        "neither",
        _OWN,
    ),
    Metric(
        "maximal_linkability",
        _LINK,
        "upper bound for any linker, log2(1 + total variation distance); compare it with its null",
        "lower",
        _OTROSHI,
    ),
    Metric("maximal_linkability_null", _LINK, "maximal linkability with randomly permuted mates", "neither", _OWN),
    Metric(
        "eer",
        _LINK,
        "equal error rate of classifying pairs of templates as mated or non-mated",
        "higher",
        _ISO,
        short="EER",
    ),
    Metric(
        "rank_1",
        _LINK,
        "proportion of templates whose best-scoring template of the other database is the mated one",
        "lower",
        _ISO,
    ),
    Metric(
        "rank_1_of",
        _LINK,
        "expected rank-1 rate in a random gallery of this many templates",
        "lower",
        _ISO,
        group=_GALLERY,
    ),
    Metric("correlation", _VALUE, "Pearson's correlation of inferred and true values", "lower", _OWN, short="correl."),
    Metric("mae", _VALUE, "mean absolute error of the inferred values, in the attribute's unit", "higher", _OWN),
    Metric(
        "top_1",
        ("photo",),
        "proportion of subjects whose enrolled image is ranked first among the candidates",
        "lower",
        _OWN,
    ),
    Metric(
        "auc",
        ("member",),
        "probability that a member of the background set is ranked above a non-member",
        "lower",
        _CARLINI,
        short="AUC",
    ),
    Metric(
        "tpr_at_fpr",
        ("member",),
        "true positive rate of membership inference at a false positive rate of 1e-2",
        "lower",
        _CARLINI,
        at="1e-2",
    ),
    Metric(
        "auc",
        ("ind",),
        "probability that a template of one of two faces is ranked above one of the other, each under a fresh key",
        "lower",
        _OWN,
        short="AUC",
    ),
    Metric(
        "advantage",
        ("ind",),
        "2 x balanced accuracy - 1 of distinguishing templates of two faces, each under a fresh key",
        "lower",
        _OWN,
    ),
    Metric(
        "opened_by",
        ("wolf",),
        "proportion of target subjects whose template accepts the one chosen face",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=("1",),
        short="opened",
    ),
    Metric(
        "opened_by",
        ("wolf",),
        "proportion of target subjects whose template accepts any face of a 10-face dictionary",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=("10",),
        short="opened",
    ),
    Metric(
        "opens_one_of",
        ("wolf",),
        "probability that the first face is accepted by any of this many templates",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=_GALLERY,
    ),
    Metric(
        "second_recogniser_opened_by",
        ("wolf",),
        "proportion of target subjects whom a second recogniser matches with the one chosen face",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=("1",),
    ),
    Metric(
        "second_recogniser_opened_by",
        ("wolf",),
        "proportion of target subjects whom a second recogniser matches with any face of a 10-face dictionary",
        "lower",
        _BONTRAGER,
        at=_RATE,
        group=("10",),
    ),
    Metric("seconds_per_enrolment", _COST, "time to enrol one subject", "lower", _OWN),
    Metric(
        "accepted",
        _RECONSTRUCT,
        "proportion of reconstructions accepted against the attacked template at the system's own threshold",
        "lower",
        _ISO_PROTECTION,
        at=_RATE,
    ),
    Metric(
        "accepted_after_renewal",
        _RECONSTRUCT,
        "proportion accepted against the subject's renewed template (another image, another key)",
        "lower",
        _ISO_PROTECTION,
        at=_RATE,
    ),
    Metric(
        "accepted_by_another",
        _RECONSTRUCT,
        "proportion accepted against another subject's template: the baseline of a universally accepted face",
        "lower",
        _OWN,
        at=_RATE,
    ),
    Metric(
        "queries_per_person",
        (*_RECONSTRUCT, ATTRIBUTE, VALUE),
        "mean online queries per subject; the bounds are the fewest and the most for one subject",
        "neither",
        _OWN,
    ),
    Metric("seconds_per_score", _COST, "time to compare one template with one probe", "lower", _OWN),
    Metric("bytes_per_template", _COST, "mean size of a stored template", "lower", _OWN),
    Metric("key_bytes_per_person", _COST, "size of the key, which is kept outside the database", "lower", _OWN),
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

    known = ", ".join(dict.fromkeys(metric.name for metric in METRICS))
    where = "" if question is None else f" of question '{question}'"
    raise InputError(f"no metric is called '{name}'{where}; expected one of {known}.")


def row(name: str, rows: Iterable[Metric]) -> Metric | None:
    """The first of some rows that describes a metric by its published name."""
    from .names import read  # here, as it imports this module

    return next((metric for metric in rows if read(name, metric) is not None), None)
