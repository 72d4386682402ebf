"""The registry: what is listed, what is refused, and that one broken plug-in stops nobody else."""

from __future__ import annotations

import importlib
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mote_bench import registry
from mote_bench.contracts import InputError
from mote_bench.registry import Entry, PluginError

Install = Callable[..., Path]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of installed packages, the only one on the path."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("demo_")]:
        del sys.modules[name]


@pytest.fixture
def install(site: Path) -> Install:
    """Write a distribution with a module ``stem.py`` and entry points, as pip would leave it."""

    def write(name: str, source: str = "", *, version: str = "1.0", **points: dict[str, str]) -> Path:
        stem = name.replace("-", "_")
        (site / f"{stem}.py").write_text(source)
        info = site / f"{stem}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        sections = [
            f"[mote_bench.{kind}]\n" + "".join(f"{entry} = {target}\n" for entry, target in entries.items())
            for kind, entries in points.items()
        ]
        (info / "entry_points.txt").write_text("\n".join(sections))
        importlib.invalidate_caches()
        return site / f"{stem}.py"

    return write


GOOD = "class Thing:\n    pass\n"


def test_lists_name_target_and_who_ships_it_without_importing(install: Install) -> None:
    install("demo-one", "raise RuntimeError('imported')", version="0.3", schemes={"sign": "demo_one:Thing"})
    assert registry.names("schemes") == [Entry("sign", "schemes", "demo_one:Thing", "demo-one", "0.3")]
    assert registry.names("attacks") == []
    assert "demo_one" not in sys.modules


def test_lists_by_name(install: Install) -> None:
    install("demo-one", GOOD, schemes={"zeta": "demo_one:Thing", "alpha": "demo_one:Thing"})
    install("demo-two", GOOD, schemes={"mid": "demo_two:Thing"})
    assert [entry.name for entry in registry.names("schemes")] == ["alpha", "mid", "zeta"]


def test_the_suite_registers_its_own_as_plug_ins_do() -> None:
    shippers = {entry.name: entry.distribution for entry in registry.names("schemes")}
    assert shippers["cosine"] == shippers["noise"] == "mote-bench"


def test_load_makes_a_new_object_each_time(install: Install) -> None:
    install("demo-one", GOOD, schemes={"sign": "demo_one:Thing"})
    first, second = registry.load("schemes", "sign"), registry.load("schemes", "sign")
    assert type(first).__name__ == "Thing"
    assert first is not second
    assert registry.factory("schemes", "sign") is type(first)


@pytest.mark.parametrize(
    ("source", "target", "cause"),
    [
        ("raise RuntimeError('no licence')", "demo_one:Thing", "RuntimeError: no licence"),
        ("import not_installed_here", "demo_one:Thing", "ModuleNotFoundError: No module named 'not_installed_here'"),
        ("import sys; sys.exit(3)", "demo_one:Thing", "SystemExit: 3"),
        ("def Thing(): raise KeyError('weights')", "demo_one:Thing", "KeyError: 'weights'"),
        ("def Thing(size): pass", "demo_one:Thing", "missing 1 required positional argument"),
        (GOOD, "demo_one:Thong", "AttributeError"),
        (GOOD, "gone:Thing", "No module named 'gone'"),
        (GOOD, "not a target", "can't be loaded"),
        ("Thing = 3", "demo_one:Thing", "expected a class or a function"),
    ],
)
def test_a_broken_plugin_fails_alone_and_by_name(install: Install, source: str, target: str, cause: str) -> None:
    install("demo-one", source, version="0.3", schemes={"sign": target})
    install("demo-two", GOOD, schemes={"sound": "demo_two:Thing"})
    with pytest.raises(PluginError, match=r"scheme 'sign' of demo-one 0\.3") as caught:
        registry.load("schemes", "sign")
    assert cause in str(caught.value)
    assert registry.select("schemes", "all") == ["sign", "sound"]
    assert type(registry.load("schemes", "sound")).__name__ == "Thing"


def test_plugin_errors_cross_process_borders(install: Install) -> None:
    install("demo-one", "raise RuntimeError('x')", schemes={"sign": "demo_one:Thing"})
    with pytest.raises(PluginError) as caught:
        registry.load("schemes", "sign")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_what_a_plugin_says_about_input_is_passed_on(install: Install) -> None:
    source = "from mote_bench.contracts import InputError\ndef data(): raise InputError('fetch the file first')"
    install("demo-one", source, datasets={"faces": "demo_one:data"})
    with pytest.raises(InputError, match=r"^fetch the file first$"):
        registry.load("datasets", "faces")


def test_an_unknown_name_offers_the_nearest(install: Install) -> None:
    install("demo-one", GOOD, schemes={"biohash": "demo_one:Thing", "mote": "demo_one:Thing"})
    with pytest.raises(InputError, match=r"No scheme is named 'BioHsh'\. Did you mean biohash\?") as caught:
        registry.load("schemes", "BioHsh")
    assert "python -m mote_bench list" in str(caught.value)
    with pytest.raises(InputError, match="No scheme is named 'qqqq'"):
        registry.select("schemes", "mote,qqqq")
    with pytest.raises(InputError, match=r"No scheme is named 'noise-curv'\. Did you mean noise-curve"):
        registry.select("schemes", "mote,noise-curv")


def test_two_distributions_with_one_name_are_both_refused(install: Install) -> None:
    install("demo-one", GOOD, schemes={"sign": "demo_one:Thing", "other": "demo_one:Thing"})
    install("demo-two", GOOD, version="2.0", schemes={"sign": "demo_two:Thing"})
    assert [entry.distribution for entry in registry.names("schemes") if entry.name == "sign"] == [
        "demo-one",
        "demo-two",
    ]
    assert registry.select("schemes", "all") == ["other", "sign"]
    with pytest.raises(InputError, match=r"demo-one 1\.0 .* and by demo-two 2\.0"):
        registry.load("schemes", "sign")
    registry.load("schemes", "other")


@pytest.mark.parametrize("name", ["Sign", "two words", "../up", "-dash", "under_score", "all", "none", "zero-effort"])
def test_unacceptable_names_are_refused_by_name(install: Install, name: str) -> None:
    install("demo-one", GOOD, attacks={name: "demo_one:Thing", "fine-1.5": "demo_one:Thing"})
    assert [entry.name for entry in registry.names("attacks")] == ["fine-1.5"]
    assert [entry.name for entry in registry.refused("attacks")] == [name]
    assert registry.select("attacks", "all") == ["fine-1.5"]
    with pytest.raises(InputError, match=r"can't be used: a name is lower-case words with dashes .*demo-one"):
        registry.load("attacks", name)


def test_select_keeps_the_users_order_and_drops_doubles(install: Install) -> None:
    install("demo-one", GOOD, attacks=dict.fromkeys(("a", "b", "c"), "demo_one:Thing"))
    assert registry.select("attacks", "all") == ["a", "b", "c"]
    assert registry.select("attacks", " c, a ,c,") == ["c", "a"]


@pytest.mark.parametrize("wanted", ["", " , "])
def test_select_wants_something(install: Install, wanted: str) -> None:
    install("demo-one", GOOD, attacks={"a": "demo_one:Thing"})
    with pytest.raises(InputError, match="expected 'all' or a comma list"):
        registry.select("attacks", wanted)


@pytest.mark.parametrize("wanted", ["all", "logistic-bytes"])
def test_an_empty_registry_says_how_to_install(site: Path, wanted: str) -> None:
    with pytest.raises(InputError, match=r"No attacks are registered.*pip install mote-bench .*pip install -e \."):
        registry.select("attacks", wanted)


def test_kinds_are_five() -> None:
    with pytest.raises(InputError, match="expected one of schemes, attacks, questions, embedders, datasets"):
        registry.names("embedding")


def test_a_distribution_without_metadata_is_still_listed(install: Install, site: Path) -> None:
    install("demo-one", GOOD, schemes={"sign": "demo_one:Thing"})
    (site / "demo_one-1.0.dist-info" / "METADATA").unlink()
    install("demo-two", GOOD, schemes={"sound": "demo_two:Thing"})
    assert [(entry.name, entry.distribution) for entry in registry.names("schemes")] == [
        ("sign", "?"),
        ("sound", "demo-two"),
    ]


def test_source_imports_nothing(install: Install, site: Path) -> None:
    package = site / "deep" / "er"
    package.mkdir(parents=True)
    for file in (site / "deep" / "__init__.py", package / "__init__.py", package / "thing.py"):
        file.write_text("raise RuntimeError('imported')")
    install(
        "demo-one",
        schemes={"deep": "deep.er.thing:T", "gone": "deep.er.nothing:T", "built-in": "sys:exit", "odd": ":x"},
    )
    sources = {entry.name: registry.source_of(entry.module) for entry in registry.names("schemes")}
    assert sources == {"deep": package / "thing.py", "gone": None, "built-in": None, "odd": None}
    assert "deep" not in sys.modules


def test_source_of_an_editable_install() -> None:
    source = registry.source_of(registry.find("schemes", "cosine").module)
    assert source is not None
    assert source.name == "cosine.py"
    assert source.exists()
