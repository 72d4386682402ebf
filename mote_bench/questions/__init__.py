"""The questions that an attack can answer about stolen templates: one file per question, with all of its rules.

A plug-in may import this package besides ``mote_bench.contracts`` and ``mote_bench.toolkit``. It needs numpy only.
"""

from __future__ import annotations

from mote_bench.metrics.catalogue import Metric
from mote_bench.metrics.measured import Measured

from .attribute import WhichClass
from .base import Exam, Offer, Property, Question, Risk, Strictest
from .dictionary import WhichKeyface
from .indistinguishability import WhichOfTwoFaces
from .linkage import SamePerson
from .membership import WasMember
from .number import HowMuch
from .photo import WhichPhoto
from .reconstruction import WhichFace
from .staging import Case, Presented, Scene, Staged

__all__ = [
    "Case",
    "Exam",
    "HowMuch",
    "Measured",
    "Metric",
    "Offer",
    "Presented",
    "Property",
    "Question",
    "Risk",
    "SamePerson",
    "Scene",
    "Staged",
    "Strictest",
    "WasMember",
    "WhichClass",
    "WhichFace",
    "WhichKeyface",
    "WhichOfTwoFaces",
    "WhichPhoto",
]
