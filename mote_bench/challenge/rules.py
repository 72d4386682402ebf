"""RULES.md: what attackers are told about a challenge."""

from __future__ import annotations

from tabulate import tabulate

from mote_bench.challenge.manifest import ChallengeTask, Manifest
from mote_bench.formatting import label, number, printable
from mote_bench.questions.installed import rules_of
from mote_bench.report.markdown import safe

RULES = "RULES.md"
_HOW = """Each task is one question about one stolen database. Its evidence is in `TASK.npz`.

- An answer is a file `TASK.npz` with one array `answer`, or `TASK.csv` with a row of numbers per line and no heading.
- Row i is about template i. The shape stands below; all numbers must be finite.
- No subject is in two databases. Templates are in random order.
- Answer as many tasks as you like. Send the folder of answers: `mote-bench challenge answer . --files FOLDER \
--attacker NAME --out ANSWERS`.
- An attack of the suite, or a plug-in: `mote-bench challenge answer . --attack NAME --out ANSWERS`.
- If an attacker sends several folders, the latest counts, and the board says how many there were.
- Nobody may use data of the attacked subjects other than these files."""


def rules(manifest: Manifest) -> str:
    """The tasks, the form of an answer, and what isn't part of the challenge."""
    titles = ["task", "scheme", "threat", "question", "subjects", "answer", "ranked by", "chance"]
    table = tabulate([_row(task) for task in manifest.tasks], headers=titles, tablefmt="pipe", disable_numparse=True)
    left = "\n".join(f"- {safe(printable(one))}" for one in manifest.left_out)
    head = f"# Challenge on {safe(printable(manifest.data))}, protocol {manifest.protocol}"
    made = f"Made with mote-bench {manifest.made_with}. Checksum: `{manifest.checksum}`"
    return "\n\n".join([head, made, _HOW, table, "Not part of it:", left]) + "\n"


def _row(task: ChallengeTask) -> list[str]:
    rows, columns = task.shape
    direction = "higher" if task.better == "lower" else "lower"
    classes = task.fields.get("classes")
    named = f": {', '.join(map(str, classes))}" if isinstance(classes, list | tuple) else ""
    return [
        task.id,
        task.scheme or "not said",
        task.threat,
        safe(printable(f"{task.question}: {rules_of(task.question).asks}")),
        str(rows),
        safe(printable(f"{rows} × {columns}{named}")),
        safe(f"{label(task.headline)}, {direction} is better for the attacker"),
        number(task.chance),
    ]
