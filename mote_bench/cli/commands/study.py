"""`study`: tables of their own beside the boards, one command a study."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mote_bench.basics import InputError
from mote_bench.cli.commands import recogniser_options
from mote_bench.cli.commands.interruption import interruptible

if TYPE_CHECKING:
    from mote_bench.studies.tables import StudyData

EPILOG = "Example: python -m mote_bench study capacity --data faces.npz --attribute gender"
_MADE_ON = "A data set's name, or a file with embeddings, `identity` and attributes."
_SUBSET = "Use a random subset of this many subjects."
_FOLDER = "Folder for the study's files."
_OUT = Path("boards/mote")

app = typer.Typer(help="Make a table of its own beside the boards: one command a study.", no_args_is_help=True)

Data = Annotated[str, typer.Option(help=_MADE_ON)]
People = Annotated[int | None, typer.Option(help=_SUBSET)]
Out = Annotated[Path, typer.Option(help=_FOLDER)]


@app.command(epilog="Example: python -m mote_bench study frontier --data faces.npz --dimension 512 --variants linear")
def frontier(
    data: Data = "synthetic",
    people: People = None,
    dimension: Annotated[
        int | None, typer.Option(help="Map the embeddings to this many dimensions, by a random isometry with noise.")
    ] = None,
    enrolled: Annotated[
        int | None,
        typer.Option(help="Enrol this many subjects, not the protocol's; 400 where --images is given."),
    ] = None,
    images: Annotated[
        int | None, typer.Option(help="Fit on this many background images; 5000 where --enrolled is given.")
    ] = None,
    variants: Annotated[
        str, typer.Option(help="Comma list of words: only variants whose name has one of them. Default: all.")
    ] = "",
    out: Out = _OUT,
) -> None:
    """What MOTE's variants cost and how well they recognise: enrolment time, bytes, EER and FNMR."""
    from mote_bench.studies import mote_variants

    size = mote_variants.Size(dimension, enrolled, images)
    _write(lambda: mote_variants.files(_study_data(data, people), size, variants=variants), out)


@app.command(epilog="Example: python -m mote_bench study balance --data faces.npz --attribute gender --solved")
def balance(
    data: Data = "synthetic",
    attribute: Annotated[str, typer.Option(help="The attribute whose groups are balanced at enrolment.")] = "gender",
    people: People = None,
    solved: Annotated[
        bool, typer.Option("--solved", help="Use the nets of mote-solved, which take seconds instead of minutes.")
    ] = False,
    out: Out = _OUT,
) -> None:
    """Whether MOTE's balanced enrolment evens out error rates: FNMR and FMR by group."""
    from mote_bench.studies import mote_balance

    _write(lambda: mote_balance.files(_study_data(data, people), attribute, solved=solved), out)


@app.command(epilog="Example: python -m mote_bench study bound --data faces.npz --attribute gender")
def bound(
    data: Data = "synthetic",
    attribute: Annotated[str, typer.Option(help="The attribute to infer; it has two classes.")] = "gender",
    people: People = None,
    out: Out = _OUT,
) -> None:
    """How many accept/reject decisions reveal a subject's class: a bound, a model, and what is measured."""
    from mote_bench.studies import decision_bound

    _write(lambda: decision_bound.files(_study_data(data, people), attribute), out)


@app.command(epilog=EPILOG)
def capacity(
    data: Data = "synthetic",
    attribute: Annotated[str, typer.Option(help="The attribute that the attacker infers.")] = "gender",
    people: People = None,
    out: Out = _OUT,
) -> None:
    """How few stored numbers still leak: recognition and privacy of templates of 4 to 512 numbers."""
    from mote_bench.studies import capacity as stored_numbers

    _write(lambda: stored_numbers.files(_study_data(data, people), attribute), out)


@app.command(
    epilog="Example: python -m mote_bench study pictures --people 6 --second faceplugin --weights fr_feature.onnx"
)
def pictures(  # noqa: PLR0913 - typer makes an option of each argument
    people: Annotated[int, typer.Option(help="How many built-in subjects are attacked.")] = 10,
    schemes: Annotated[
        str, typer.Option(help="Schemes whose templates are attacked, comma separated.")
    ] = "cosine,mote,mote-keyed",
    attackers: Annotated[
        str,
        typer.Option(
            "--attackers",
            "--thieves",
            help="What the attacker has, comma separated: record (template and responses), decoder (template, decoded "
            "once), scores or decisions (online access).",
        ),
    ] = "record,decoder,scores,decisions",
    second: Annotated[
        str | None,
        typer.Option(help="A second recogniser to compare the pictures: a name that `list embedders` shows."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="The second recogniser's weights.")] = None,
    mean: recogniser_options.Mean = None,
    scale: recogniser_options.Scale = None,
    order: recogniser_options.Order = None,
    output: recogniser_options.Output = None,
    alignment: recogniser_options.Alignment = None,
    pictures: Annotated[
        Path | None, typer.Option(help="A folder made by `faces`: its pictures aren't rendered again.")
    ] = None,
    album: Annotated[
        Path | None, typer.Option(help="A folder for the pictures themselves, as `explain --pictures` takes it.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    out: Out = Path("boards/pixels"),
) -> None:
    """Pictures of built-in subjects, reconstructed from templates or online access, and how often they are accepted."""
    from mote_bench.execution import workers
    from mote_bench.records import store
    from mote_bench.studies.pictures import from_templates

    store.check_place(out, cells=0)
    told = {"mean": mean, "scale": scale, "order": order, "output": output, "alignment": alignment}
    taken = {name: value for name, value in told.items() if value is not None}
    options = from_templates.Options(people, schemes, attackers.split(","), second, weights, taken, pictures, album)
    try:
        with interruptible("nothing is written", resumable=False):
            from_templates.write(options, out, jobs=jobs or workers.default_jobs())
    finally:
        workers.stop()
    print(f"written to '{out}'")


@app.command(
    epilog="Example: python -m mote_bench study recognisers --data dlib.npz --attacker-recogniser mobilefacenet.npz"
)
def recognisers(
    data: Annotated[str, typer.Option(help="Embeddings by the attacked recogniser, with attributes.")],
    attacker_recogniser: Annotated[
        str, typer.Option(help="Embeddings of the same images, the same rows, by the attacker's recogniser.")
    ],
    schemes: Annotated[
        str, typer.Option(help="Schemes whose templates are stolen, comma separated; cosine and noise always are.")
    ] = "cosine",
    attributes: Annotated[
        str | None, typer.Option(help="Attributes to infer, comma separated. Default: all with 2 to 6 classes.")
    ] = None,
    known_subjects: Annotated[
        str,
        typer.Option(
            help="Numbers of enrolled subjects whose template and picture the attacker has, comma separated; 0: the "
            "spaces are aligned without pairs."
        ),
    ] = "0,10,30,100,300",
    people: People = None,
    out: Out = Path("boards/recognisers"),
) -> None:
    """Attributes read without the attacked recogniser: through another recogniser, or from clusters of the bytes."""
    from mote_bench.studies.recognisers import tables as across_recognisers

    counts = [word.strip() for word in known_subjects.split(",")]
    if not all(word.isdecimal() for word in counts):
        raise InputError(f"--known-subjects {known_subjects}: expected whole numbers with commas, as in 0,10,30")
    options = across_recognisers.Options(
        data, attacker_recogniser, schemes, attributes, tuple(map(int, counts)), people
    )
    _write(lambda: across_recognisers.files(options), out)


@app.command(epilog="Example: python -m mote_bench study agreement boards")
def agreement(
    folders: Annotated[
        list[Path], typer.Argument(help="A folder with boards of two data sets, or two folders with one board each.")
    ],
) -> None:
    """Whether two data sets rank schemes alike: rank correlations between their boards, printed."""
    from mote_bench.studies import agreement as between_boards

    print(between_boards.text_of(folders), end="")


@app.command(epilog="Example: python -m mote_bench study strength boards --counts 25,50,100 --schemes mote,biohash")
def strength(  # noqa: PLR0913 - typer makes an option of each argument
    folder: Annotated[Path, typer.Argument(help="The folder of a run; the study's records and files go there too.")],
    counts: Annotated[
        str, typer.Option(help="Numbers of shadow subjects, comma separated; all of them are the run's own.")
    ] = "25,50,100,200",
    schemes: Annotated[str, typer.Option(help="Schemes, comma separated. Default: all of the run.")] = "",
    questions: Annotated[str, typer.Option(help="Questions, comma separated. Default: all of the run.")] = "",
    data: Annotated[str | None, typer.Option(help="The run's data: which, if there are several, or where.")] = None,
    protocol: Annotated[str | None, typer.Option(help="The protocol, if the folder holds several.")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed, if the folder holds several.")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Is the attacker strong enough? The strongest attacks of a run again, with fewer shadow subjects."""
    from mote_bench.cli.commands import again
    from mote_bench.cli.commands.gate import chosen
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.planning.spec import names
    from mote_bench.records import store
    from mote_bench.records.published import records_of
    from mote_bench.report.strength import summary
    from mote_bench.studies import strength as of_attacks

    found = records_of(folder, published=False)
    if not found:
        raise store.no_records(folder)
    records = chosen(found, protocol=protocol, data=data, seed=seed)
    spec = again.again(records, again.Given(data=data), home=folder)
    wanted = of_attacks.Wanted(
        _numbers(counts, "counts", "25,50,100"), frozenset(names(schemes)), frozenset(names(questions))
    )
    with interruptible(f"finished cells are kept in '{folder}/strength'"), shown(quiet) as progress:
        made = of_attacks.run(records, spec, wanted, out=folder, jobs=jobs or workers.default_jobs(), progress=progress)
    print(summary(made))
    _write(lambda: of_attacks.files(records, made), folder)
    print(f"the page shows it after: python -m mote_bench board --out {folder}")


@app.command(
    epilog="Example: python -m mote_bench study leak --data faces.npz --schemes cosine,mote --leaks first-bytes=50"
)
def leak(  # noqa: PLR0913 - typer makes an option of each argument
    data: Data = "synthetic",
    schemes: Annotated[str, typer.Option(help="Schemes whose templates leak, comma separated.")] = "cosine",
    questions: Annotated[
        str, typer.Option(help="Questions, comma separated. Default: attributes, reconstruction and links.")
    ] = "all",
    attacks: Annotated[
        str, typer.Option(help="Attacks, comma separated, all, or the protocol's. Parts are read by some of them.")
    ] = "default",
    leaks: Annotated[
        str,
        typer.Option(
            help="Leaks, comma separated: first-bytes=PERCENT, first-values=NUMBER, random-values=PERCENT, "
            "rounded-values=BITS. Default: three amounts of each."
        ),
    ] = "",
    people: People = None,
    protocol: Annotated[str, typer.Option(help="The protocol, which sizes the sets of subjects.")] = "people-2",
    seed: Annotated[int, typer.Option(help="The seed of the run.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    out: Out = Path("boards/leak"),
) -> None:
    """What a part of a template gives away: half of its bytes, a few of its values, a few bits of each value."""
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.records import store
    from mote_bench.studies.leak import tables as of_parts

    store.check_place(out, cells=0)
    options = of_parts.Options(data, schemes, questions, attacks, leaks or of_parts.LEAKS, people, protocol, seed)
    with interruptible(f"finished cells are kept in '{out}'"), shown(quiet) as progress:
        made = of_parts.files(options, out=out, jobs=jobs or workers.default_jobs(), progress=progress)
    _write(lambda: made, out)


@app.command(
    epilog="Example: python -m mote_bench study keys --data faces.npz --schemes biohash --known-subjects 10,100"
)
def keys(  # noqa: PLR0913 - typer makes an option of each argument
    data: Data = "synthetic",
    people: People = None,
    schemes: Annotated[str, typer.Option(help="Schemes with keys, comma separated.")] = "biohash",
    regimes: Annotated[
        str,
        typer.Option(
            help="How keys are dealt: template, subject, system, pool-4, pool-8, integers. Comma list; default all."
        ),
    ] = "",
    known_subjects: Annotated[
        str, typer.Option(help="Numbers of enrolled subjects whom the attacker knows, comma separated.")
    ] = "1,10,100",
    stolen_subjects: Annotated[
        int, typer.Option(min=1, help="Of how many enrolled subjects the keys are stolen.")
    ] = 10,
    questions: Annotated[str, typer.Option(help="link, reconstruct, or both.")] = "link,reconstruct",
    attacks: Annotated[str, typer.Option(help="Attacks, comma separated. Default: the study's own list.")] = "",
    protocol: Annotated[str, typer.Option(help="Benchmark version.")] = "quick-1",
    seed: Annotated[int, typer.Option(help="Seed of the split, the keys and the attacks.")] = 0,
    jobs: Annotated[int | None, typer.Option(min=1, help="Worker processes. Default: the cores.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    out: Out = Path("boards/keys"),
) -> None:
    """What templates give away where keys are shared, numbered or stolen of some, or some subjects are known."""
    from mote_bench.execution import workers
    from mote_bench.execution.progress import shown
    from mote_bench.planning.spec import RunSpec
    from mote_bench.records import store
    from mote_bench.studies.keys import running, tables

    store.check_place(out, cells=0)
    wanted = running.Wanted(
        running.regimes_of(regimes), _numbers(known_subjects, "known-subjects", "1,10,100"), stolen_subjects
    )
    spec = RunSpec(data, schemes, attacks or running.ATTACKS, questions, people=people, protocol=protocol, seed=seed)
    setting = running.setting_of(spec, wanted)
    with interruptible(f"finished cells are kept in '{out}/keys'"), shown(quiet) as progress:
        found = running.run(setting, wanted, out=out, jobs=jobs or workers.default_jobs(), progress=progress)
    _write(lambda: tables.files(setting, wanted, found), out)


def _numbers(counts: str, option: str, example: str) -> tuple[int, ...]:
    from mote_bench.planning.spec import names

    words = names(counts)
    if not all(one.isdecimal() for one in words):
        raise InputError(f"--{option} {counts}: expected whole numbers, as in --{option} {example}")
    return tuple(map(int, words))


def _study_data(data: str, people: int | None) -> StudyData:
    from mote_bench.studies.tables import StudyData

    return StudyData(data, people)


def _write(made: Callable[[], Mapping[str, str]], out: Path) -> None:
    """Make the files and write them; a folder that can't be written to is refused before."""
    from mote_bench.records import store
    from mote_bench.studies import tables

    store.check_place(out, cells=0)
    with interruptible("nothing is written", resumable=False):
        tables.write(made(), out)
    print(f"written to '{out}'")
