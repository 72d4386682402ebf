"""How unequally subjects are exposed to attacks, in words for the boards; and what operating points say."""

from __future__ import annotations

from mote_bench.analysis.exposure import Exposed
from mote_bench.formatting import number, span

HEADS = (
    "question",
    "strongest attack",
    "its mean outcome",
    "in the tenth that other attacks get most of",
    "rank correlation of attacks",
    "same subjects?",
    "group that loses most",
)
POINTS_SAY = (
    "FNMR below the lowest counted FMR: the threshold follows a Pareto tail of the calibration subjects' impostor "
    "scores. FNIR: proportion of mated searches whose template is not the best one, or is below the threshold; "
    "thresholds are set on calibration subjects. The worst tenth of the subjects has the most errors, partly by "
    "chance; the record holds what chance gives. "
    "Maximum over geometric mean of the groups' rates: 1 is equal."
)
OF_SUBJECTS = (
    "Outcome: 1 if the attack succeeds on the subject, 0 if not. The tenth is chosen by the other attacks. The rank "
    "correlation is the mean over pairs of attacks. Attacks that read the same templates err alike, even on noise. So "
    "subjects count as the same only where the interval is above 97.5 % of random permutations and above noise."
)


def exposed_cells(one: Exposed) -> tuple[str, ...]:
    """One row under :data:`HEADS`."""
    groups = (f"{attribute}: {label} {number(mean)} (n={n})" for attribute, (label, n, mean) in one.groups.items())
    return (
        one.question,
        one.strongest,
        number(one.tenth.chance),
        f"{number(one.tenth.value)} {span(one.tenth)}, n={one.tenth.n}; noise {number(one.tenth.floor)}",
        f"{number(one.alike.value)} {span(one.alike)}, {one.attacks} attacks",
        f"{'yes' if one.same_people else 'not shown'} (by chance up to {number(one.alike.chance)}, "
        f"noise {number(one.alike.floor)})",
        "; ".join(groups) or "–",
    )
