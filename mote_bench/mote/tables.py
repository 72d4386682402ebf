"""What the commands that write a table of model templates share: their options, and one line for a wrong one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from pathlib import Path

from mote_bench import settings
from mote_bench.contracts import InputError
from mote_bench.files import write_text
from mote_bench.settings import Setting
from mote_bench.spec import RunSpec

FOLDER = Path("boards/mote")


def parser(command: str, description: str, *, attribute: str = "") -> ArgumentParser:
    """Of ``python -m mote_bench.mote.COMMAND``; ``attribute`` says what the attribute asked for is used for."""
    made = ArgumentParser(prog=f"python -m mote_bench.mote.{command}", description=description.splitlines()[0])
    made.add_argument("--data", default="synthetic", help="a data set's name or an .npz file")
    if attribute:
        made.add_argument("--attribute", default="gender", help=attribute)
    made.add_argument("--people", type=int, help="a random subset of this many people")
    made.add_argument("--out", type=Path, default=FOLDER, help="folder for the table")
    return made


def write(options: ArgumentParser, files: Callable[[Namespace, str, Setting], Mapping[str, str]]) -> None:
    """Read the options, measure, and write what ``files`` makes of options, data set's name and setting.

    A wrong option ends the program with exit code 2 and one line, before anything is written.
    """
    given = options.parse_args()
    name = Path(given.data).stem
    try:
        asked = RunSpec(data=given.data, people=given.people, schemes="cosine", questions="verify")
        setting = settings.make(asked)
        wanted = getattr(given, "attribute", None)
        if wanted is not None and wanted not in setting.split.background.attributes:
            known = ", ".join(setting.split.background.attributes)
            raise InputError(f"'{given.data}' has no attribute '{wanted}'; it has: {known}")
        made = files(given, name, setting)
    except InputError as error:
        options.exit(2, f"error: {error}\n")
    given.out.mkdir(parents=True, exist_ok=True)
    for file, text in made.items():
        write_text(given.out / file, text)
    print(f"written to '{given.out}'")
