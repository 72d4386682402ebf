"""The figures in README and docs: each function returns a Markdown table made from the published boards.

Pages call these functions in cog blocks (`make docs-figures` writes them, a test checks them). Everything is read from
the files that `mote-bench board` and `mote-bench study` make of records: results.csv holds one row a measurement,
leaderboard.csv one row a scheme with the strongest attack on each question.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

BOARDS = Path(__file__).resolve().parents[1] / "leaderboards"
LFW, SYNTHETIC = "lfw_dlib", "synthetic"
NAMES = {LFW: "LFW", SYNTHETIC: "built-in population"}
RECOGNISERS = {LFW: "dlib, 128-d", "lfw_mobilefacenet": "MobileFaceNet, 192-d"}
"""The boards of the same images of LFW, each by another recogniser."""
KEYS = {"": "", "secret": "", "stolen": ", key stolen", "disclosed": ", system secret disclosed"}
QUESTIONS = {
    "gender": "gender: balanced accuracy",
    "reconstruct": "reconstruction: success gain at FMR 1e-3",
    "link": "linkage: EER",
}

Row = Mapping[str, str]


def readme_rows() -> str:
    """Eight rows of the board on LFW: recognition, and the strongest attack on three questions."""
    return board_table(
        ("cosine", ""),
        ("noise", ""),
        ("mote", ""),
        ("mote-keyed", "secret"),
        ("mote-keyed", "stolen"),
        ("biohash", "secret"),
        ("biohash", "stolen"),
        ("ckks", "secret"),
    )


def example_row() -> str:
    """What the row of MOTE says, in words, with the ranks and attacks behind its figures."""
    one = board_row(LFW, "mote", "")
    lines = []
    for question, name in QUESTIONS.items():
        rank = int(one[f"{question}_rank"].rstrip("="))
        attack, ceiling = one[f"{question}_attack"], float(one[f"{question}_ceiling"])
        lines.append(
            f"- {name} {_of_board(one, question)}, by `{attack}`. The same attack on `cosine`: {ceiling:.3f}. "
            f"Rank {rank}: {rank - 1} rows leak less."
        )
    return "\n".join(lines)


def agreement() -> str:
    """How alike the two data sets rank schemes, and how many pairs that both distinguish are in one order."""
    rows = markdown_table("agreement.md", 0)
    same, both = (sum(int(row[-1].split(" of ")[side]) for row in rows) for side in (0, 1))
    head = [
        "question",
        "rank correlation",
        "of distinguishable rows only",
        "LFW against resampled LFW",
        "pairs in one order",
    ]
    shown = [[row[0], row[3], row[7], row[5], row[8]] for row in rows]
    return table(head, [*shown, ["all", "", "", "", f"{same} of {both}"]])


def by_recogniser() -> str:
    """Rows of LFW's boards by each recogniser: recognition, and the strongest attack on three questions."""
    shown = [
        ("cosine", ""),
        ("mote", ""),
        ("mote-linear", ""),
        ("leace", ""),
        ("pe-miu", ""),
        ("csn", ""),
        ("polyprotect", "secret"),
        ("biohash", "secret"),
        ("biohash", "stolen"),
    ]
    columns = {"fnmr": "FNMR at FMR 1e-3", **QUESTIONS}
    head = ["scheme", *(f"{name} ({by.split(',')[0]})" for name in columns.values() for by in RECOGNISERS.values())]
    rows = [
        [f"`{scheme}`{KEYS[key]}"]
        + [_value(board_row(data, scheme, key), column) for column in columns for data in RECOGNISERS]
        for scheme, key in shown
    ]
    return table(head, rows)


def _value(row: Row, column: str) -> str:
    return f"{float(row[column]):.3f}".replace("-0.000", "0.000")


def published_protocol() -> str:
    """What the paper on MOTE measures, measured here by each recogniser; and what adaptive attackers make of it."""
    rate, fair = "zero-effort", "_gender_at_fmr_1e-2"
    usual = [
        ("FNMR at FMR 1e-3", (rate, "verify", "none", "fnmr_at_fmr_1e-3")),
        ("FDR of gender at FMR 1e-2, alpha 0.5", (rate, "fairness", "none", f"fdr{fair}")),
        ("GARBE of gender at FMR 1e-2, alpha 0.5", (rate, "fairness", "none", f"garbe{fair}")),
        (
            "gender, logistic regression on the flattened weights",
            ("logistic-bytes", "gender", "algorithm", "balanced_accuracy"),
        ),
    ]
    rows = [[label, *(measured(data, "mote", *which) for data in RECOGNISERS)] for label, which in usual]
    boards = [board_row(data, "mote", "") for data in RECOGNISERS]
    for question, name in QUESTIONS.items():
        rows.append([f"strongest attack, {name}", *(_of_board(one, question) for one in boards)])
    return table(["`mote`", *RECOGNISERS.values()], rows)


def mote_attacks() -> str:
    """What single attacks take from the plain embedding, MOTE and flattened MOTE."""
    at = "algorithm"
    cosine = "centred_cosine"
    attacks = [
        ("gender", "logistic-bytes", at, "balanced_accuracy", "gender, logistic regression on the stored bytes"),
        ("gender", "calibrated-bytes", at, "balanced_accuracy", "the same, threshold set on shadow subjects"),
        ("gender", "logistic-answers", at, "balanced_accuracy", "gender from responses to public faces"),
        ("gender", "logistic-searched", at, "balanced_accuracy", "gender from an embedding found by search in a prior"),
        (
            "reconstruct",
            "closed-form-bytes",
            at,
            cosine,
            "reconstruction from the bytes in closed form: centred cosine",
        ),
        ("reconstruct", "kernel-bytes", at, cosine, "by a decoder learned on shadow subjects: centred cosine"),
        ("reconstruct", "ridge-answers", at, cosine, "reconstruction from responses: centred cosine"),
        ("reconstruct", "ridge-answers", at, "type_2_success_at_fmr_1e-3", "the same: type II SAR at FMR 1e-3"),
        ("reconstruct", "search-answers", at, cosine, "reconstruction by search in a prior: centred cosine"),
        ("link", "pairs-bytes", at, "eer", "linkage from the bytes: EER"),
        ("link", "compare-inverted", at, "eer", "linkage of reconstructions: EER"),
        (
            "reconstruct",
            "boundary-decisions",
            f"{at} (decisions only)",
            "accepted_at_fmr_1e-3",
            "online decisions only: accepted at FMR 1e-3",
        ),
        ("member", "logistic-member", at, "auc", "membership inference: AUC"),
    ]
    schemes = ("cosine", "mote", "mote-flattened")
    rows = [
        [f"{label} (`{attack}`)", *(measured(LFW, scheme, attack, question, level, metric) for scheme in schemes)]
        for question, attack, level, metric, label in attacks
    ]
    return table(["attack", "`cosine`", "`mote`", "`mote-flattened`"], rows)


def usual_against_adaptive() -> str:
    """Gender from a logistic regression on the bytes, as usually evaluated, and by the strongest attack."""
    shown = [("mote", ""), ("nfr", ""), ("leace", ""), ("ckks", "secret"), ("pe-miu", ""), ("slerpface", "stolen")]
    rows = []
    for scheme, key in shown:
        level = "stolen_key" if key == "stolen" else "algorithm"
        one = board_row(LFW, scheme, key)
        usual = measured(LFW, scheme, "logistic-bytes", "gender", level, "balanced_accuracy")
        rows.append([f"`{scheme}`{KEYS[key]}", usual, _of_board(one, "gender"), f"`{one['gender_attack']}`"])
    return table(["scheme", "logistic regression on the bytes", "strongest attack", "which"], rows)


def variants() -> str:
    """What MOTE's variants cost and recognise, against the loop that trains one net after the other."""
    shown = {
        "cosine (a vector)": "`cosine`, a vector",
        "net, released schedule (the loop's result)": "the paper's net, released schedule",
        "net, batched (mote)": "the paper's net, trained in batches (`mote`)",
        "net, solved (mote-solved)": "the paper's net, solved (`mote-solved`)",
        "linear, float32 (mote-linear)": "a linear discriminant (`mote-linear`)",
        "features, int4, a vector's bytes (mote-features-int4)": "features of 4 bits (`mote-features-int4`)",
    }
    found = {row["variant"]: row for row in _csv("mote/lfw_dlib-400-of-5000-512.csv")}
    rows = [
        [
            label,
            "" if name.startswith("cosine") else f"{float(found[name]['loop_to_enrolment']):,.1f}",
            f"{int(found[name]['bytes']):,}",
            interval(*(float(found[name][end]) for end in ("fnmr", "fnmr_low", "fnmr_high"))),
        ]
        for name, label in shown.items()
    ]
    return table(["template", "enrolment, times as fast as the loop", "bytes", "FNMR at FMR 1e-3"], rows)


def pictures() -> str:
    """Pictures rendered from stolen templates: how often the template and a second recogniser accept them."""
    rows = markdown_table("pixels/pixels.md", 0)
    named = {"cosine": "`cosine`", "mote": "`mote`", "mote-keyed, key stolen": "`mote-keyed`, key stolen"}
    shown = [[named[row[0]], row[1], row[2], row[5]] for row in rows if row[0] in named]
    kept = [["`mote-keyed`", row[1], row[2], row[5]] for row in rows if row[0] == "mote-keyed"]
    photo = ["a photo of the subject", rows[-1][1], rows[-1][2], rows[-1][5]]
    head = ["template", "accepted by it", "matches other photos of the subject", "... by a second recogniser"]
    return table(head, [*shown, *kept, photo])


def hardening() -> str:
    """What MOTE and its variants give away to the strongest attack, on LFW."""
    return board_table(
        ("cosine", ""),
        ("mote", ""),
        ("mote-random-widths", ""),
        ("mote-flattened", ""),
        ("mote-solved", ""),
        ("mote-linear", ""),
        ("mote-features", ""),
        ("mote-features-int4", ""),
        ("mote-keyed", "secret"),
        ("mote-keyed", "stolen"),
    )


def capacity() -> str:
    """Fewer and coarser numbers: recognition and leakage of templates of limited capacity."""
    rows = markdown_table("mote/capacity-lfw_dlib-gender.md", 0)
    return table(
        ["numbers", "bytes", "FNMR at FMR 1e-3", "gender: balanced accuracy", "reconstruction: centred cosine"],
        [row[:5] for row in rows],
    )


def bound() -> str:
    """The bound on gender from accept/reject decisions, per threshold."""
    rows = markdown_table("mote/bound-lfw_dlib-gender.md", 0)
    schemes = ("cosine", "mote", "mote-flattened", "mote-keyed")
    shown = [
        [f"`{row[0]}`", row[1], row[2], row[3], row[4], row[5], row[8].split(" / ")[0]]
        for row in rows
        if row[0] in schemes and row[1] in ("1e-2", "1e-3")
    ]
    head = [
        "scheme",
        "FMR",
        "FNMR",
        "non-mated probes of the subject's gender accepted",
        "of the other gender",
        "probes per class for an accuracy of 0.9",
        "accuracy after 1,000 per class",
    ]
    return table(head, shown)


def both_populations() -> str:
    """Gender under the strongest attack on LFW and on the built-in population, where the two differ most."""
    rows = []
    for scheme, key in (("leace", ""),):
        pair = (board_row(data, scheme, key) for data in (LFW, SYNTHETIC))
        rows.append([f"`{scheme}`", *(_of_board(one, "gender") for one in pair)])
    return table(["scheme", *NAMES.values()], rows)


def cryptosystems() -> str:
    """Biometric cryptosystems on LFW: their operating point, security in bits, and what stolen records give away."""
    operating = ["FNMR at its FMR", "FMR", "FNMR of plain vectors there", "bits (public faces)"]
    head = ["scheme", *operating, *QUESTIONS.values()]
    rows = []
    for scheme in ("fuzzy-commitment", "ironmask"):
        of_scheme = [
            measured(LFW, scheme, "zero-effort", "verify", "none", f"{name}_at_fmr_own")
            for name in ("fnmr", "fmr_reached", "plain_fnmr", "false_accept_bits_public")
        ]
        row = board_row(LFW, scheme, "")
        rows.append([f"`{scheme}`", *of_scheme, *(_of_board(row, name) for name in QUESTIONS)])
    return table(head, rows)


def board_table(*shown: tuple[str, str]) -> str:
    """Rows of the board on LFW, each a scheme and the state of its key."""
    rows = []
    for scheme, key in shown:
        one = board_row(LFW, scheme, key)
        rows.append([f"`{scheme}`{KEYS[key]}", _of_board(one, "fnmr"), *(_of_board(one, name) for name in QUESTIONS)])
    return table(["scheme", "FNMR at FMR 1e-3", *QUESTIONS.values()], rows)


def board_row(data: str, scheme: str, key: str) -> Row:
    """One row of leaderboard.csv; `key` is "", "secret", "stolen" or "disclosed"."""
    [found] = [
        row
        for row in _csv("leaderboard.csv")
        if (row["data"], row["scheme"], row["key"]) == (data, scheme, key) and row["protocol"] == "people-2"
    ]
    return found


def measured(data: str, scheme: str, attack: str, question: str, knowledge: str, metric: str) -> str:
    """One measurement of results.csv with its interval."""
    found = _results()[data, scheme, attack, question, knowledge, metric]
    return interval(*(float(found[end]) for end in ("value", "low", "high")))


def interval(value: float, low: float, high: float) -> str:
    """A figure with its 95 % interval, to three decimals."""
    return f"{value:.3f} [{low:.3f}, {high:.3f}]".replace("-0.000", "0.000")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_table(name: str, index: int) -> list[list[str]]:
    """The cells of a published Markdown table, without its head: by position, so that headings may be reworded."""
    tables: list[list[list[str]]] = [[]]
    for line in (BOARDS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("|"):
            tables[-1].append([cell.strip() for cell in line.strip("|").split("|")])
        elif tables[-1]:
            tables.append([])
    return tables[index][2:]


def _of_board(row: Row, column: str) -> str:
    return interval(*(float(row[f"{column}{end}"]) for end in ("", "_low", "_high")))


@cache
def _csv(name: str) -> list[Row]:
    with (BOARDS / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _results() -> dict[tuple[str, ...], Row]:
    key = ("data", "scheme", "attack", "question", "knowledge", "metric")
    return {tuple(row[name] for name in key): row for row in _csv("results.csv")}
