"""The organiser's side of the end: ranks answers by the questions' metrics, with paired intervals between attackers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

import mote_bench
from mote_bench import registry
from mote_bench.analysis.share import Share, share_of
from mote_bench.challenge.answers import Submission, latest, read_submission
from mote_bench.challenge.files import PUBLIC, SECRET, TRUTH, Arrays, faces_in, read_json, read_part, unpacked
from mote_bench.challenge.making import SECRET_FORMAT
from mote_bench.challenge.manifest import FACES, ChallengeTask, checked
from mote_bench.challenge.opening import Opened
from mote_bench.challenge.scoring import Scorer, reading_of
from mote_bench.contracts import Faces, InputError, Measurement, Scheme, Shadow
from mote_bench.engine.evidence import verification_targets
from mote_bench.metrics.differences import Change, difference, together
from mote_bench.metrics.intervals import Z
from mote_bench.metrics.measured import Measured
from mote_bench.planning.split import Enrolled
from mote_bench.questions import Question
from mote_bench.questions.staging import (
    Database,
    EnrolledScheme,
    Panel,
    Rules,
    Staged,
    Unprotected,
    VerificationTargets,
)
from mote_bench.report.attackers import Attacker, ChallengeBoard, Pair, Scored, TaskBoard
from mote_bench.toolkit import stream, stream_seed

_ALPHA = 0.05


@dataclass(eq=False)
class SecretPart:
    """The secret part of a challenge in a folder."""

    folder: Path
    table: Mapping[str, Any]
    opened: Opened

    @classmethod
    def at(cls, folder: Path) -> SecretPart:
        """The secret part in this folder.

        Raises
        ------
        InputError
            When there is none, and when it isn't the one that the challenge was made with.
        """
        if not (folder / TRUTH).exists() and (folder / SECRET / TRUTH).exists():
            raise InputError(f"'{folder}' holds both parts of a challenge; give the secret one: {folder / SECRET}")
        table, checksum = read_json(folder / TRUTH, f"the secret part of a challenge, with its {TRUTH}")
        if table.get("format") != SECRET_FORMAT:
            raise InputError(
                f"'{folder / TRUTH}' has the format {table.get('format')!r:.80}; expected '{SECRET_FORMAT}'"
            )
        opened = Opened.at(folder / PUBLIC, fit=False)
        if opened.manifest.commitment != checksum:
            raise InputError(
                f"'{folder / TRUTH}' isn't what the challenge was made with: its SHA-256 is {checksum[:16]}..., the "
                f"challenge names {opened.manifest.commitment[:16]}...; take it from a backup"
            )
        return cls(folder, table, opened)

    def scorer(self, task: ChallengeTask) -> Scorer:
        """What answers to a task are scored by."""
        made: Scorer = checked(lambda: self._scorer(task), self.folder / TRUTH)
        return made

    def scheme_of(self, task: ChallengeTask) -> str:
        """The attacked scheme, which the public part may not say."""
        return str(self.table["tasks"][task.id]["scheme"])

    def _scorer(self, task: ChallengeTask) -> Scorer:
        question, name, seed = task.asks(), self.scheme_of(task), int(self.table["tasks"][task.id]["seed"])
        people, others, truth = (self._truth[f"{task.id}_{part}"] for part in ("people", "others", "truth"))
        staged = Staged(self.opened.evidence(task), people, others, truth)
        panel = Panel(self._subjects(name), 0)
        at = self.table["unprotected"]
        rule = Unprotected(self._background.embeddings.mean(axis=0), at["centred"], at["uncentred"])
        rules = Rules(rule, self.table["thresholds"][name])
        targets = self._targets(task, question, staged, name) if question.presents and rules.thresholds else None
        return Scorer(question, staged, panel, rules, targets, stream_seed(seed, "score"))

    def _targets(
        self, task: ChallengeTask, question: Question, staged: Staged, name: str
    ) -> VerificationTargets | None:
        held, seed = self._part(f"enrolled-{name}.npz"), int(self.table["tasks"][task.id]["seed"])
        first, second = (
            Database(unpacked(held, part) or (), unpacked(held, f"{part}_keys")) for part in ("first", "second")
        )
        nobody = Shadow(self._background, (), None)
        thresholds = self.table["thresholds"][name]
        enrolled = EnrolledScheme(self._fitted(name), first, second, nobody, thresholds=thresholds)
        rng = stream(seed, "presented")
        return verification_targets(enrolled, question, task.knowing, stolen=staged, rng=rng)

    def _fitted(self, name: str) -> Scheme:
        if name in self.opened.manifest.schemes:
            return self.opened.scheme(name)
        try:
            made: Scheme = registry.load("schemes", name).fit(self._background, seed=self.table["schemes"][name])
        except registry.PluginError as error:
            raise InputError(str(error)) from None
        return made

    @cached_property
    def _truth(self) -> Arrays:
        return self._part("truth.npz")

    @cached_property
    def _background(self) -> Faces:
        faces = faces_in(self._part(FACES), "public")
        if faces is None:
            raise ValueError("there are no public faces")
        return faces

    def _subjects(self, name: str) -> Enrolled:
        held = self._part(f"subjects-{name}.npz")
        references = faces_in(held, "references")
        if references is None:
            raise ValueError("there are no subjects")
        seconds, probes = faces_in(held, "seconds"), faces_in(held, "probes")
        return Enrolled(references, seconds, probes, held["shown"], held["numbers"])

    def _part(self, name: str) -> Arrays:
        return read_part(self.folder / name, self.table["files"].get(name))


def score(secret: Path, folders: Sequence[Path]) -> ChallengeBoard:
    """Score the answers in these folders; of each attacker's the latest.

    Raises
    ------
    InputError
        When the secret part can't be used, and on the first folder that isn't one of answers to this challenge.
    """
    part = SecretPart.at(secret)
    manifest = part.opened.manifest
    counted = latest([read_submission(folder, manifest) for folder in folders])
    boards = [_board(part, task, {name: one for name, (one, _) in counted.items()}) for task in manifest.tasks]
    attackers = [_attacker(name, one, sent, boards) for name, (one, sent) in counted.items()]
    ordered = sorted(attackers, key=lambda one: (-one.share, one.name))
    return ChallengeBoard(
        manifest.data, manifest.protocol, manifest.checksum, mote_bench.__version__, tuple(ordered), tuple(boards)
    )


def _board(part: SecretPart, task: ChallengeTask, sent: Mapping[str, Submission]) -> TaskBoard:
    scorer = part.scorer(task)
    floor, ceiling = scorer.floor(task), scorer.ceiling(task)
    found: dict[str, Measured] = {}
    failed: dict[str, str] = {}
    for name, one in sent.items():
        if task.id in one.answers:
            try:
                found[name] = scorer.measured(one.answers[task.id])
            except (ValueError, ArithmeticError) as error:
                failed[name] = str(error)
    pairs = paired(found, task.headline, task.sign)
    rows = _rows(found, pairs, task, (floor, ceiling))
    scored = [replace(row, attack=sent[row.attacker].attacks[task.id]) for row in rows]
    scored += [Scored(name, sent[name].attacks[task.id], None, why) for name, why in failed.items()]
    return TaskBoard(
        task.id,
        part.scheme_of(task),
        task.threat,
        task.question,
        task.headline,
        task.better,
        task.shape[0],
        floor,
        ceiling,
        tuple(scored),
        tuple(pairs),
    )


def paired(found: Mapping[str, Measured], headline: str, sign: float) -> list[Pair]:
    """Every two answers, the better one first, with the paired 95 % interval of their difference.

    Significant is a difference whose interval excludes 0 at a confidence that is adjusted for the number of pairs
    (Bonferroni).

    Parameters
    ----------
    sign : {1.0, -1.0}
        Whether higher or lower values are better for the attacker.
    """
    made, couples = [], list(combinations(found, 2))
    strict = float(special.ndtri(1 - _ALPHA / (2 * max(len(couples), 1))))
    for one, other in couples:
        values = {name: found[name][headline] for name in (one, other)}
        best, worse = sorted((one, other), key=lambda name: (-sign * values[name].value, name))
        shared = together(_influence(found[worse], headline), _influence(found[best], headline))

        def change(z: float, best: str = best, worse: str = worse, shared: float = shared) -> Change:
            return difference(found[worse][headline], found[best][headline], shared, worse=sign, z=z)

        made.append(Pair(best, worse, change(Z), change(strict).low > 0))
    return made


def _influence(measured: Measured, headline: str) -> dict[int, float]:
    return dict(enumerate(np.asarray(measured.influence.get(headline, ())).tolist()))


def _rows(
    found: Mapping[str, Measured], pairs: Sequence[Pair], task: ChallengeTask, ends: tuple[float | None, float | None]
) -> list[Scored]:
    """The scored answers, best first; ``ends`` are floor and ceiling."""
    ordered = sorted(found, key=lambda name: (-task.sign * found[name][task.headline].value, name))
    behind = {pair.than: pair.change for pair in pairs if pair.better == ordered[0]} if ordered else {}
    rows = []
    for name in ordered:
        one = replace(found[name][task.headline], floor=ends[0], ceiling=ends[1])
        rank = 1 + sum(pair.significant for pair in pairs if pair.than == name)
        rows.append(
            Scored(
                name,
                "",
                one,
                rank=rank,
                to_best=behind.get(name),
                share=share_of(one),
                beside=_beside(found[name], task),
            )
        )
    return rows


def _beside(measured: Measured, task: ChallengeTask) -> tuple[Measurement, ...]:
    names = reading_of(task, {"": measured}).beside
    return tuple(one for one in measured.measurements if one.name in names)


def _attacker(name: str, one: Submission, sent: int, boards: Sequence[TaskBoard]) -> Attacker:
    rows = [row for board in boards for row in board.rows if row.attacker == name and row.headline is not None]
    scaled = [board for board in boards if _scale(board)]
    shares = sum(row.share.value for row in rows if row.share is not None)
    return Attacker(
        name,
        sent,
        one.made,
        len(rows),
        sum(row.rank == 1 and _above_floor(row.share, len(boards)) for row in rows),
        shares / len(scaled) if scaled else 0.0,
    )


def _above_floor(share: Share | None, tasks: int) -> bool:
    """Whether a figure is above the floor at a confidence that is adjusted for the number of tasks.

    Of many tasks a random answer would else be above the floor in a few. The interval is widened from 95 %.
    """
    if share is None:
        return False
    wider = float(special.ndtri(1 - _ALPHA / (2 * tasks))) / Z
    return share.value - wider * (share.value - share.low) > 0


def _scale(board: TaskBoard) -> bool:
    """Whether the task's floor and ceiling define a share."""
    if board.floor is None or board.ceiling is None:
        return False
    return share_of(Measurement("", 0.0, 0.0, 0.0, 1, floor=board.floor, ceiling=board.ceiling)) is not None
