"""`challenge`: stolen databases for attackers anywhere, their answers, and a board of attackers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import InputError
from mote_bench.cli.commands import data_options
from mote_bench.cli.commands.again import said
from mote_bench.cli.commands.interruption import interruptible

if TYPE_CHECKING:
    from mote_bench.challenge.answering import Answered
    from mote_bench.challenge.opening import Opened

EPILOG = "Example: python -m mote_bench challenge make --data faces.npz --schemes biohash,mote-solved --out challenge"
_FAILED = 1

app = typer.Typer(
    help="An open challenge for attackers: make it, answer it, score the answers. There is no server.",
    no_args_is_help=True,
)


@app.command(epilog=EPILOG)
def make(  # noqa: PLR0913 - typer makes an option of each argument
    data: Annotated[
        str, typer.Option(help="A data set's name, or a file with embeddings, `identity` and attributes.")
    ] = "synthetic",
    schemes: Annotated[
        str, typer.Option(help="Scheme names, comma separated; default: the protocol's choice; or all.")
    ] = "default",
    threats: Annotated[
        str,
        typer.Option(
            help="Threats, comma separated, as in algorithm,stolen_key. default: all that know the algorithm and "
            "apply; all: bytes_only too. Online access cannot be given as a file."
        ),
    ] = "default",
    questions: Annotated[
        str,
        typer.Option(
            help="Questions, comma separated. default: those answered from stolen templates alone; all: others too."
        ),
    ] = "default",
    attributes: data_options.Attributes = None,
    bins: data_options.Bins = None,
    missing: data_options.Missing = None,
    identity: data_options.Identity = None,
    embedding_columns: data_options.EmbeddingColumns = None,
    people: data_options.People = None,
    protocol: Annotated[str, typer.Option(help="Benchmark version: sizes of the sets of subjects.")] = "people-2",
    seed: Annotated[
        int | None, typer.Option(help="The organiser's secret, of 20 digits or more. Default: drawn, and kept.")
    ] = None,
    faces_apart: Annotated[
        bool,
        typer.Option("--faces-apart", help="Put what shows background and shadow subjects into on-agreement/."),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Worker processes. Default: the cores. The files do not depend on it.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; errors only.")] = False,
    out: Annotated[Path, typer.Option(help="A new folder: public/ to give out and secret/ to keep.")] = Path(
        "challenge"
    ),
) -> None:
    """Make a challenge: public/ for attackers, secret/ for the organiser alone."""
    from mote_bench.challenge import files, making
    from mote_bench.challenge.dealing import Wishes, new_seed
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.planning.spec import RunSpec, bins_of, missing_of

    for part in (files.PUBLIC, files.SECRET, files.ON_AGREEMENT):
        files.check_new(out / part, "--out")
    spec = RunSpec(
        data,
        schemes,
        questions=questions,
        attributes=attributes,
        bins=bins_of(bins or ()),
        people=people,
        seed=new_seed() if seed is None else seed,
        protocol=protocol,
        missing=missing_of(missing or ()),
        identity=identity,
        embedding_columns=embedding_columns,
    )
    count = jobs or workers.default_jobs()
    try:
        with interruptible("nothing is written", resumable=False), shown(quiet) as progress:
            made = making.make(Wishes(spec, threats, faces_apart), jobs=count, progress=progress)
    finally:
        if count > 1:
            workers.stop()
    files.write_folder(out / files.SECRET, made.secret, private=True)
    if made.apart:
        files.write_folder(out / files.ON_AGREEMENT, made.apart)
    files.write_folder(out / files.PUBLIC, made.public)
    if quiet:
        return
    for one in made.manifest.left_out:
        print(f"not part of it: {one}")
    rows = [task.shape[0] for task in made.manifest.tasks]
    print(f"{len(rows)} tasks; answers have {min(rows)} to {max(rows)} rows")
    print(f"Give out '{out / files.PUBLIC}'; keep '{out / files.SECRET}' to yourself")
    if data == "synthetic":
        print(
            "note: the built-in population is public, so its subjects can be looked up. For a challenge that counts, "
            "render one of your own: python -m mote_bench faces --seed SECRET --out FOLDER"
        )


@app.command(epilog="Example: python -m mote_bench challenge answer public --attack logistic-bytes --out answers")
def answer(  # noqa: PLR0913 - typer makes an option of each argument
    public: Annotated[Path, typer.Argument(help="The public part of a challenge.")],
    attack: Annotated[
        str | None, typer.Option(help="Attacks, comma separated: each task is answered by the first that can.")
    ] = None,
    random: Annotated[bool, typer.Option("--random", help="Answer at random: the floor.")] = False,
    files: Annotated[
        Path | None, typer.Option(help="Pack a folder of answers made by hand: files named by task, .npz or .csv.")
    ] = None,
    check: Annotated[
        Path | None, typer.Option(help="Only check: one file named by task, or a folder of answers.")
    ] = None,
    tasks: Annotated[str, typer.Option(help="Answer these tasks only, comma separated, as in t01,t05.")] = "",
    attacker: Annotated[
        str | None, typer.Option(help="The name for the board. Default: that of the first attack.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of what attacks draw.")] = 0,
    out: Annotated[Path, typer.Option(help="A new folder for the answers.")] = Path("answers"),
) -> None:
    """Answer a challenge by attacks, at random or by hand; or check answers."""
    from mote_bench.challenge import answering, answers
    from mote_bench.challenge.files import check_new, write_folder
    from mote_bench.challenge.opening import Opened
    from mote_bench.planning.spec import names

    ways = {"--attack": attack, "--random": random or None, "--files": files, "--check": check}
    given = [name for name, value in ways.items() if value is not None]
    if len(given) != 1:
        raise InputError(f"{' and '.join(given) or 'no way to answer'}; expected one of {', '.join(ways)}")
    opened, wanted = Opened.at(public), names(tasks)
    if check is not None:
        _check(opened, check)
        return
    check_new(out, "--out")
    made: Answered
    with interruptible("nothing is written", resumable=False):
        if attack is not None:
            name = attacker or next(iter(names(attack)), "attack")
            answers.check_name(name)
            made = answering.by_attacks(opened, attack, wanted, seed=seed, say=said)
        elif files is not None:
            if attacker is None:
                raise InputError("--files without --attacker; expected the name for the board: --attacker NAME")
            name, made = attacker, answering.by_hand(opened, files)
        else:
            name, made = attacker or answering.RANDOM, answering.at_random(opened, wanted, seed)
    for line in made.failed:
        said(f"failed: {line}")
    if made.answers:
        write_folder(out, answers.written(name, made.attacks, made.answers, opened.manifest))
        print(f"{len(made.answers)} of {len(opened.manifest.tasks)} tasks answered; send '{out}' to the organiser")
    if made.failed:
        sys.exit(_FAILED)


@app.command(epilog="Example: python -m mote_bench challenge score challenge/secret answers-of-a answers-of-b")
def score(
    secret: Annotated[Path, typer.Argument(help="The secret part of the challenge.")],
    answers: Annotated[list[Path], typer.Argument(help="Folders of answers, one or more.")],
    out: Annotated[Path, typer.Option(help="Folder for attackers.html, .md and .json.")] = Path("attackers"),
) -> None:
    """Score answers and rank attackers: figures, intervals, floor, ceiling and paired differences."""
    from mote_bench import files
    from mote_bench.challenge import ranking
    from mote_bench.records import store
    from mote_bench.report.attackers import attackers_html, attackers_json, attackers_md

    store.check_place(out, cells=0)
    with interruptible("nothing is written", resumable=False):
        board = ranking.score(secret, answers)
    out.mkdir(parents=True, exist_ok=True)
    files.write_text(out / "attackers.json", attackers_json(board))
    files.write_text(out / "attackers.md", attackers_md(board))
    files.write_text(out / "attackers.html", attackers_html(board))
    for one in board.attackers:
        again = f"; {one.sent} folders sent, the latest counts" if one.sent > 1 else ""
        print(f"{one.name}: {one.share:.0%} of the ceiling, {one.answered} of {len(board.tasks)} tasks{again}")
    print(f"written to '{out}' (open attackers.html)")


def _check(opened: Opened, path: Path) -> None:
    from mote_bench.challenge.answers import read_answer, read_answers, read_submission
    from mote_bench.challenge.files import ANSWERS

    if path.is_dir() and (path / ANSWERS).exists():
        found = read_submission(path, opened.manifest).answers
    elif path.is_dir():
        found = read_answers(path, opened.manifest)
    else:
        found = {path.stem: read_answer(path, opened.task(path.stem))}
    for name, one in found.items():
        print(f"ok: {name}, {one.shape[0]} rows of {one.shape[1]} numbers")
