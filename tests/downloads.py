"""A folder as FRBench's command leaves it, with random weights of its smallest network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MODEL = "mobilenet-wd4/arcface/ms1m"
KEY = "mobilenet-wd4_arcface_ms1m"
BACKBONE = {"name": "mobilenet-wd4", "kwargs": {"input_size": [112, 112], "num_features": 32}}


def settings(**taken: Any) -> dict[str, Any]:
    """A model's settings, with what is told of its input."""
    return {"backbone": BACKBONE, **({"input": taken} if taken else {})}


def downloaded(folder: Path, told: dict[str, Any] | None = None, *, weights: bool = True) -> Path:
    """The folder: a manifest, and the settings and weights that it names."""
    import yaml

    place = folder / KEY
    place.mkdir(parents=True)
    entry = {"asset_name": f"{KEY}.tar.gz", "target_name": KEY, "sha": "", "size": 1}
    contents = {"contents": {"config": "config.yaml", "weight": "model.pt"}}
    detector = {"asset_name": "d.tar.gz", "target_name": "d", "contents": {}}
    listed = {"__meta__": {"release": "none"}, KEY: entry | contents, "retinaface_mobilenetv1": detector}
    (folder / "manifest.json").write_text(json.dumps(listed))
    (place / "config.yaml").write_text(yaml.safe_dump(told or settings()))
    if weights:
        _write_weights(place / "model.pt")
    else:
        (place / "model.pt").touch()
    return folder


def _write_weights(path: Path) -> None:
    import torch

    from mote_bench.embedders import vision

    vision.ready()
    from frbench.backbones import build_backbone

    torch.manual_seed(0)
    net = build_backbone(BACKBONE["name"], BACKBONE["kwargs"], torch.device("cpu")).train()
    for one in net.modules():
        if isinstance(one, torch.nn.modules.batchnorm._BatchNorm):
            one.momentum = 1.0
    with torch.no_grad():
        net(torch.randn(16, 3, 112, 112))  # the batch norms then keep what each layer gives; else all faces are one
    torch.save(net.state_dict(), path)
