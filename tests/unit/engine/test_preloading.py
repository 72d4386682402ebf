"""What the server of workers imports for a run, and that the run itself does without torch."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from mote_attacks.inversion.gradient import GradientInversion
from mote_baselines.plain.cosine import Cosine

from mote_bench import registry
from mote_bench.engine import preloading
from mote_bench.execution import forking
from mote_bench.mote.scheme import MOTE
from mote_bench.planning.plan import Plugins
from mote_bench.planning.spec import RunSpec

PLANNED = """
import sys
from mote_bench.planning import settings
from mote_bench.planning.spec import RunSpec
from mote_bench.engine import dry_run, runner
settings.make(RunSpec(schemes="all", people=140, protocol="quick-1"))
print("torch" in sys.modules, "sklearn" in sys.modules)
"""


class FromElsewhere(Cosine):
    """Of another package: what it imports may start threads, which a fork would lose."""

    libraries = ("of_another_package",)


@pytest.mark.parametrize(
    ("questions", "expected"),
    [
        ("verify,cost", {"mote_bench.mote.train"}),
        ("verify,gender", {"mote_bench.mote.train", "torch", "scipy.stats", "sklearn.linear_model"}),
    ],
)
def test_what_the_server_imports(questions: str, expected: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[set[str]] = []
    monkeypatch.setattr(forking, "serve", served.append)
    schemes = {"cosine": Cosine(), "mote": MOTE(), "theirs": FromElsewhere()}
    preloading.ahead(RunSpec(questions=questions), Plugins(schemes, {"gradient": GradientInversion()}, ()))
    assert served == [expected]


def test_what_plugins_state_is_there() -> None:
    """The server passes over a module that it can't import: a mistyped name would cost seconds and say nothing."""
    loaded = [registry.load(kind, one.name) for kind in ("schemes", "attacks") for one in registry.names(kind)]
    stated = {library for one in loaded for library in getattr(one, "libraries", ())}
    assert stated >= {"torch", "mote_bench.mote.train"}
    assert all(find_spec(name) is not None for name in stated)


def test_a_run_is_planned_without_torch() -> None:
    made = subprocess.run([sys.executable, "-c", PLANNED], capture_output=True, text=True, check=True)
    assert made.stdout == "False False\n"
