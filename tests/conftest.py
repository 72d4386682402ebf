"""What several test files share: where real embeddings lie; and generated people."""

from __future__ import annotations

import os
from pathlib import Path

# Before numpy is imported: on a shared machine the threads of a matrix product wait for each other.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import pytest  # noqa: E402

from mote_bench.contracts import Faces  # noqa: E402
from populations import gaussian_faces  # noqa: E402

_APART = "@apart"
LONGEST = {"slow": 3600, "hour": 3 * 3600}
"""Seconds after which a test with this marker counts as hanging; pyproject.toml has the limit of all others."""


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real embeddings that stands beside a developer's checkout, never inside it."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real embeddings are not here (they stand beside the checkout in shared/data)")
    return folder


@pytest.fixture(scope="session")
def faces() -> Faces:
    """160 generated people with 4 photos each."""
    return gaussian_faces(160, 4)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Share tests out to processes by file, and those marked ``apart`` one by one."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrApart(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if nodeid.endswith(_APART) else str(super()._split_scope(nodeid))

    return ByFileOrApart(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests have longer to end; and they come first: what comes last keeps one core busy while the others wait."""
    minutes: dict[str, float] = {}
    scopes = {}
    for item in items:
        if apart := item.get_closest_marker("apart"):
            item.add_marker(pytest.mark.xdist_group(apart.name))  # makes xdist add _APART to the test's name
        scopes[item] = item.nodeid if apart else item.nodeid.split("::")[0]
        for marker, seconds in LONGEST.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.timeout(seconds))
        slow = item.get_closest_marker("slow")
        minutes[scopes[item]] = minutes.get(scopes[item], 0.0) + (slow.kwargs.get("minutes", 0.0) if slow else 0.0)
    items.sort(key=lambda item: -minutes[scopes[item]])
