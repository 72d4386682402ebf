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
