"""torchvision, also where its compiled part wasn't built for the installed torch.

A torch for the CPU beside torchvision's default (CUDA) build is what `pip install` leaves on many machines, and then
``import torchvision`` itself fails: "operator torchvision::nms does not exist". facenet-pytorch needs one compiled
operator of it, non-maximum suppression of a few hundred boxes, which is declared here in plain torch.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

_NMS = "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_QUANTIZED_NMS = "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_KEPT: list[Any] = []


@cache
def ready() -> None:
    """Make ``import torchvision`` work, whichever build is installed."""
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    else:
        return
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    _declare()
    import torchvision.extension

    torchvision.extension._has_ops = lambda: True


def _declare() -> None:
    import torch

    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in (_NMS, _QUANTIZED_NMS):  # torchvision's import asks for both; only the first is ever called
        library.define(schema)  # type: ignore[no-untyped-call]
    for place in ("CPU", "CUDA"):
        library.impl("nms", suppressed, place)  # type: ignore[no-untyped-call]
    _KEPT.append(library)  # an operator lives as long as its library


def suppressed(boxes: Any, scores: Any, threshold: float) -> Any:
    """Indices of the boxes (n, 4) that no better-scored kept box overlaps by more than ``threshold``, best first.

    Overlap is intersection over union; ties keep the earlier box, as torchvision's own operator does.
    """
    import torch

    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = torch.sort(scores, stable=True, descending=True).indices
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        corner = torch.maximum(boxes[best, :2], boxes[left, :2])
        opposite = torch.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = (opposite - corner).clamp(min=0).prod(dim=1)
        left = left[shared / (areas[best] + areas[left] - shared) <= threshold]
    return torch.stack(kept) if kept else torch.empty(0, dtype=torch.long, device=boxes.device)
