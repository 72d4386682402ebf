"""mote-bench: what a face template gives away, measured by the strongest attack that answers the question.

From Python::

    import mote_bench as mb

    results = mb.run(data="faces.npz", schemes="mote,biohash", out="boards")  # a pandas table, a row per measurement
    scheme = mb.MOTE().fit(background, who)                                    # (n, d) embeddings of the background set
    templates = scheme.enroll(references)                                      # bytes, one for each row
    scores = scheme.compare(templates, probes)                                 # (templates, probes)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mote_bench._version import __version__ as __version__

if TYPE_CHECKING:
    from mote_bench.api import read, run
    from mote_bench.contracts import Faces, InputError
    from mote_bench.estimator import MOTE, Templates

__all__ = ["MOTE", "Faces", "InputError", "Templates", "read", "run"]

_HOMES = {
    "MOTE": "mote_bench.estimator",
    "Templates": "mote_bench.estimator",
    "Faces": "mote_bench.contracts",
    "InputError": "mote_bench.contracts",
    "read": "mote_bench.api",
    "run": "mote_bench.api",
}


def __getattr__(name: str) -> Any:
    """On demand: who only wants the version or a list of names doesn't wait for torch and pandas."""
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'mote_bench' has no attribute '{name}'; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
