"""The table of published attacks in docs/families.md: the published figure, this project's, and whether it is reached.

A figure of this project is a measurement of the published boards, or the outcome of a test that is named. Published
figures are quoted from the abstract or page that is cited; where it has none, the table says so. Verdicts on figures
are computed, so that new records change them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import figures
from family_tables import NOT_RUN, PUBLISHED, Published, short

from mote_bench.formatting import number

BEATEN, REPRODUCED, NOT_REACHED = "beaten", "reproduced", "not reached"
"""The whole interval lies above the published figure, the interval holds it, or the whole interval lies below it."""
NO_FIGURE = "no figure in what we could read"
_KEY = "tests/science/test_ckks_key_recovery.py"
_BLOCKS = "tests/science/test_block_statistics.py"
_IRONMASK = "tests/unit/baselines/cryptosystems/test_ironmask.py"
_VAULTS = "tests/unit/baselines/cryptosystems/test_fuzzy_vault.py"
_SCORES, _DECISIONS = "algorithm (scores only)", "algorithm (decisions only)"

Row = Mapping[str, str]


@dataclass(frozen=True)
class Reading:
    """A measurement of a board.

    Attributes
    ----------
    cell : (scheme, attack, question, knowledge)
    metric : str
    words : str
        What is measured, as the table prints it.
    """

    cell: tuple[str, str, str, str]
    metric: str
    words: str

    def on(self, published: Published, data: str, metric: str = "") -> Row | None:
        """The measurement, or another metric of the same cell, on one board."""
        return published.results.get((data, *self.cell, metric or self.metric))


@dataclass(frozen=True)
class PublishedAttack:
    """A row.

    Attributes
    ----------
    schemes : str
        The schemes here.
    attack : str
        In words.
    source : str
        The paper.
    said : str
        The published figure, in words.
    readings : tuple of Reading
        This project's figures. The verdict is on the first.
    figure : float, optional
        The published figure, to compare the first reading with.
    below : str
        A metric of the same cell that ``figure`` is added to: the published figure is a difference.
    fewer : bool
        Whether an attacker wants less: bits of security.
    verdict : str
        In words, where no published figure can be compared.
    why : str
        What differs, or why it is not reached.
    test : str
        The test, ``path::name``, that holds the outcome where no board does.
    """

    schemes: str
    attack: str
    source: str
    said: str
    readings: tuple[Reading, ...] = ()
    figure: float | None = None
    below: str = ""
    fewer: bool = False
    verdict: str = ""
    why: str = ""
    test: str = ""


def _reconstructed(scheme: str, attack: str, knowledge: str, metric: str, words: str) -> Reading:
    return Reading((scheme, attack, "reconstruct", knowledge), metric, words)


ATTACKS = (
    PublishedAttack(
        "`fuzzy-commitment`",
        "the face is decoded with what is known of faces",
        "Keller, Osadchy & Dunkelman, arXiv 2012.13293",
        "more than 78 % of reconstructions accepted, at a FAR of 0.1 %",
        (
            _reconstructed(
                "fuzzy-commitment", "face-unkeyed", "algorithm", "accepted_at_fmr_own", "accepted, at its own FMR"
            ),
        ),
        figure=0.78,
        why="Embeddings here, pictures there; the prior is a Gaussian of public faces.",
    ),
    PublishedAttack(
        "`fuzzy-commitment`",
        "statistics of error-correcting blocks",
        "Rathgeb & Uhl, CVPR workshops 2011",
        NO_FIGURE,
        verdict="it gains nothing over the prior",
        why="Public faces give both values of a block as often: see below.",
        test=f"{_BLOCKS}::test_on_lfw_whole_words_open_some_and_the_prior_all",
    ),
    PublishedAttack(
        "`fuzzy-commitment`",
        "decodability: the sum of two helper data is decoded",
        "Kelkboom et al., IEEE TIFS 6, 2011",
        NO_FIGURE,
        (
            Reading(("fuzzy-commitment", "construction-linked", "link", "algorithm"), "eer", "link EER"),
            Reading(("cosine", "compare-bytes", "link", "bytes_only"), "eer", "plain vectors"),
        ),
        verdict="commitments are linked nearly as plain vectors are",
    ),
    PublishedAttack(
        "`ironmask`",
        "several records of one face: probabilistic linear regression",
        "Zhu & Wang, PoPETs 2025(4), arXiv 2409.12884",
        f"the template is recovered from several records; {NO_FIGURE}",
        (
            _reconstructed(
                "ironmask",
                "several-construction",
                "algorithm (2 records)",
                "accepted_at_fmr_own",
                "2 records, accepted at its own FMR",
            ),
            _reconstructed("ironmask", "construction-bytes", "algorithm", "accepted_at_fmr_own", "1 record"),
        ),
        verdict="one record is enough",
        why="A face is the only sparse vector in the span of public faces. Without that span two records are needed.",
        test=f"{_IRONMASK}::test_one_record_is_enough_where_faces_fill_a_subspace_and_two_are_anyway",
    ),
    PublishedAttack(
        "`fuzzy-vault`",
        "record multiplicity: two vaults are compared, and show by what their sets differ",
        "Merkle & Tams, arXiv 1312.5225",
        "where the sets share (t + k) / 2 elements",
        verdict="reproduced on the construction",
        why="t = 40, k = 24: with 34 and 32 shared elements the pair is found, with 31 it is not.",
        test=f"{_VAULTS}::test_related_vaults_show_by_what_they_differ",
    ),
    PublishedAttack(
        "`fuzzy-vault`",
        "list decoding, without any face",
        "Guruswami & Sudan, IEEE Trans. Inf. Theory 45, 1999",
        "opens where t > N (k - 1)",
        verdict="reproduced on the construction",
        why="t = 40, N = 2: every vault with k = 9 is opened, none with k = 24.",
        test=f"{_VAULTS}::test_few_coefficients_open_every_vault_without_a_face",
    ),
    PublishedAttack(
        "`fuzzy-vault`",
        "false accepts",
        "Rathgeb et al., Computers & Security 113, 2022, arXiv 2102.02458",
        "up to about 28 bits on average, with an FNMR below 1 % at an FMR of 0.01 %",
        (
            Reading(
                ("fuzzy-vault", "zero-effort", "verify", "none"),
                "false_accept_bits_prior_at_fmr_own",
                "bits against faces of a prior",
            ),
        ),
        figure=28.0,
        fewer=True,
        why="Their recogniser is ArcFace, on other data.",
    ),
    PublishedAttack(
        "`ckks`",
        "the secret key from scores in full precision",
        "Li & Micciancio, EUROCRYPT 2021, eprint 2020/1533",
        "complete key recovery with high probability, SEAL among the libraries",
        verdict="reproduced on our packing",
        why="2,048 scores give the key, and the key gives all 20 faces: see below.",
        test=f"{_KEY}::test_as_many_scores_as_coefficients_give_the_key_and_with_it_every_face",
    ),
    PublishedAttack(
        "`cosine`, `ckks`",
        "the face from scores",
        "Frontiers in Imaging 2025, 1476377",
        "100 % accepted, with 50 to 192 scores",
        (
            _reconstructed("cosine", "few-scores", _SCORES, "accepted_at_fmr_1e-3", "`cosine` accepted"),
            _reconstructed("cosine", "few-scores", _SCORES, "queries_per_person", "scores"),
            _reconstructed("ckks", "solve-scores", _SCORES, "accepted_at_fmr_1e-3", "`ckks` accepted"),
            _reconstructed("ckks", "solve-scores", _SCORES, "queries_per_person", "scores"),
        ),
        figure=1.0,
        why="Encryption changes no score.",
    ),
    PublishedAttack(
        "`ckks`",
        "the face from accept/reject decisions",
        "arXiv 2601.17620",
        "more than 98 % of pictures accepted",
        (
            _reconstructed("ckks", "boundary-decisions", _DECISIONS, "accepted_at_fmr_1e-3", "accepted"),
            _reconstructed("ckks", "boundary-decisions", _DECISIONS, "queries_per_person", "decisions"),
        ),
        figure=0.98,
        why="Embeddings here, pictures there.",
    ),
    PublishedAttack(
        "`pe-miu`",
        "gender by a vote of the most similar public faces",
        "Osorio-Roig et al., IEEE TBIOM 2022, arXiv 2111.12405",
        "about 90 %",
        (Reading(("pe-miu", "vote-answers", "gender", "algorithm"), "balanced_accuracy", "balanced accuracy"),),
        figure=0.90,
        why="Two recognisers give gender away to different degrees.",
    ),
    PublishedAttack(
        "`pe-miu`, `ive`",
        "reconstruction of embeddings whose soft biometrics are suppressed",
        "Osorio-Roig et al., arXiv 2310.03005",
        "up to about 98 %",
        (
            _reconstructed(
                "pe-miu",
                "construction-bytes",
                "algorithm",
                "type_1_success_at_fmr_1e-3",
                "`pe-miu` type I SAR at FMR 1e-3",
            ),
            _reconstructed("ive", "kernel-bytes", "algorithm", "type_1_success_at_fmr_1e-3", "`ive`"),
        ),
        figure=0.98,
        why="The abstract does not define its accuracy; type I SAR is compared.",
    ),
    PublishedAttack(
        "`iom-grp`, key stolen",
        "inversion",
        "Paik, Kim & Seo, BMVC 2023, paper 535",
        "accepted 0.3 to 1.4 points less often than genuine probes",
        (
            _reconstructed(
                "iom-grp", "subject-posterior", "stolen_key", "type_2_success_at_fmr_1e-3", "type II SAR at FMR 1e-3"
            ),
            _reconstructed(
                "iom-grp", "subject-posterior", "stolen_key", "genuine_success_at_fmr_1e-3", "genuine probes"
            ),
        ),
        figure=-0.003,
        below="genuine_success_at_fmr_1e-3",
    ),
    PublishedAttack(
        "`polyprotect`",
        "a numerical solver, with the key",
        "Krivokuća Hahn et al., arXiv 2605.03857",
        f"cosine distance inverts more easily than Euclidean; {NO_FIGURE}",
        (
            _reconstructed(
                "polyprotect", "gradient-answers", "stolen_key", "type_2_success_at_fmr_1e-3", "type II SAR, key stolen"
            ),
            _reconstructed("polyprotect", "face-unkeyed", "algorithm", "type_2_success_at_fmr_1e-3", "without the key"),
        ),
        verdict="no key is needed",
        why="A template is the face up to a shift, a scale and a sign.",
    ),
    PublishedAttack(
        "`facecloak`",
        "inversion of the cloak",
        "Banerjee et al., FG 2025, arXiv 2504.06131 (a summary was read)",
        "SAR often 0",
        (
            _reconstructed(
                "facecloak", "closed-form-bytes", "algorithm", "type_2_success_at_fmr_1e-3", "type II SAR at FMR 1e-3"
            ),
        ),
        figure=0.0,
        why="The attacker here holds the subject's net, as it is stored.",
    ),
)


def table(published: Published = PUBLISHED, attacks: Sequence[PublishedAttack] = ATTACKS) -> str:
    """A row for each attack: what was published, what is measured here by each recogniser, and the verdict."""
    head = ["scheme", "attack", "source", "published", "here", "verdict"]
    return figures.table(head, [_row(published, one) for one in attacks])


def _row(published: Published, one: PublishedAttack) -> list[str]:
    verdict = f"**{_verdict(published, one)}**{'. ' + one.why if one.why else ''}"
    return [one.schemes, one.attack, one.source, one.said, _here(published, one), verdict]


def _here(published: Published, one: PublishedAttack) -> str:
    """The readings by each recogniser that has them, and the test."""
    lines = []
    for data, name in published.recognisers.items():
        held = [(reading, reading.on(published, data)) for reading in one.readings]
        said = [f"{reading.words} {_interval(row)}" for reading, row in held if row is not None]
        if one.readings:
            lines.append(f"{short(name)}: {', '.join(said) or NOT_RUN}")
    if one.test:
        lines.append(f"`{one.test.split('::')[1]}`")
    return "; ".join(lines)


def _verdict(published: Published, one: PublishedAttack) -> str:
    """In words: of each recogniser that has a figure, or the row's own where nothing can be compared."""
    if one.figure is None:
        return one.verdict
    found = [
        (short(name), _compared(one, one.readings[0].on(published, data), _expected(published, one, data)))
        for data, name in published.recognisers.items()
    ]
    by = dict.fromkeys(words for _, words in found if words)
    named = ((words, [name for name, its in found if its == words]) for words in by)
    return "; ".join(f"{words} ({', '.join(names)})" for words, names in named) or NOT_RUN


def _expected(published: Published, one: PublishedAttack, data: str) -> float | None:
    """The published figure; a difference is added to this board's own measurement."""
    if not one.below or one.figure is None:
        return one.figure
    row = one.readings[0].on(published, data, one.below)
    return None if row is None else float(row["value"]) + one.figure


def _compared(one: PublishedAttack, row: Row | None, expected: float | None) -> str:
    """The verdict on one board; empty where it has no figure."""
    if row is None or expected is None:
        return ""
    low, high = float(row["low"]), float(row["high"])
    if one.fewer:
        low, high, expected = -high, -low, -expected
    return BEATEN if low > expected else NOT_REACHED if high < expected else REPRODUCED


def _interval(row: Row) -> str:
    if row["metric"] == "queries_per_person":
        return f"{float(row['value']):,.0f}"
    value, low, high = (number(float(row[end])) for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}], n = {row['n']}"
