"""The mutation run lists modules and tests that exist: a module that is moved stays in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mutants import CALIBRATED, GROUPS, LONG, NOT_QUICK, ROOT, _group, _long, _own, _quick


def paths(*arguments: str) -> list[Path]:
    """The files and folders that pytest is told of."""
    return [ROOT / one.removeprefix("--ignore=").removeprefix("--deselect=").partition("::")[0] for one in arguments]


def test_what_is_listed_exists() -> None:
    for group in GROUPS.values():
        listed = [*group.modules, *group.own, *group.quick, *(test for tests in group.own.values() for test in tests)]
        assert [path for path in paths(*listed, *LONG, *NOT_QUICK) if not path.exists()] == []
    assert [stem for stem in CALIBRATED if not (ROOT / f"mote_bench/metrics/{stem}.py").exists()] == []


def test_the_own_tests_of_a_listed_module_are_among_the_groups_quick_ones() -> None:
    for group in GROUPS.values():
        assert {test for tests in group.own.values() for test in tests} <= set(group.quick)


@pytest.mark.parametrize("name", GROUPS)
def test_a_module_faces_the_tests_of_its_own_group(name: str) -> None:
    for listed in GROUPS[name].own:
        module = Path(listed)
        assert _group(module) is GROUPS[name]
        assert _own(module) == GROUPS[name].own[listed]
        assert _quick(module) == GROUPS[name].quick
        assert _long(module) == ()


def test_a_metric_faces_the_tests_that_bear_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    values = Path("mote_bench/metrics/values.py")
    assert _own(values) == ("tests/truth/test_truth_values.py", *NOT_QUICK)
    assert (_quick(values), _long(values)) == (GROUPS["metrics"].quick, LONG)
    assert _long(Path("mote_bench/metrics/catalogue.py")) == ()
