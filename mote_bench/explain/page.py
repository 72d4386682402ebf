"""The output of an explanation: pictures, a CSV, and one page that holds all of it."""

from __future__ import annotations

import csv
import io
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import escape

from mote_bench.contracts import FloatArray
from mote_bench.explain.explained import CONTROL, Explained
from mote_bench.explain.faithfulness import faithfulness
from mote_bench.explain.subjects import PROBES
from mote_bench.formatting import inert, number, printable

_MOST_PEOPLE = 6
_MOST_BARS = 12
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:"
    "collapse}td,th{padding:.2rem .8rem;border-bottom:1px solid #d9dbde;text-align:left}img{max-width:100%}"
)


def render(schemes: Sequence[Explained], shown: tuple[FloatArray, FloatArray] | None, *, of: str) -> dict[str, bytes]:
    """File name -> bytes.

    Parameters
    ----------
    shown : (n, height, width, 3) and (n, 2, height, width, 3) float in [0, 1], optional
        The enrolled faces and the probes, where pixels are explained.
    of : str
        What was explained: a data set or a folder.
    """
    what = "contributions.png" if shown is None else "heatmaps.png"
    made = {
        what: _contributions(schemes) if shown is None else _heatmaps(schemes, *shown),
        "curves.png": _curves(schemes),
        "explain.csv": _csv(schemes).encode(),
    }
    made["explain.html"] = _html(schemes, made, of).encode()
    return made


def verdict(answer: float) -> str:
    """Accepted or rejected, and by how much."""
    return f"{'accepted' if answer > 0 else 'rejected'} at {answer:+.1f}"


def _contributions(schemes: Sequence[Explained]) -> bytes:
    """Per subject and scheme: the dimensions that raise and lower the score most, mated and non-mated probe."""
    people = min(_MOST_PEOPLE, len(schemes[0].answers))
    figure, axes = _figure(people * len(PROBES), len(schemes), width=5.0, height=1.3)
    for column, one in enumerate(schemes):
        method, values = list(one.importance.items())[-1]
        for person in range(people):
            for probe, whose in enumerate(PROBES):
                axis, parts = axes[person * len(PROBES) + probe][column], values[person, probe]
                most = np.argsort(-np.abs(parts), kind="stable")[:_MOST_BARS]
                colours = ["#1f5f9e" if value > 0 else "#a8500f" for value in parts[most]]
                axis.bar(range(len(most)), parts[most], color=colours)
                axis.set_xticks(range(len(most)), [str(one) for one in most], fontsize=6)
                said = f"person {person + 1}, {whose} face: {verdict(one.answers[person, probe])}"
                head = f"{one.scheme} ({method})\n" if person + probe == 0 else ""
                axis.set_title(head + said, fontsize=7)
    return _png(figure)


def _heatmaps(schemes: Sequence[Explained], enrolled: FloatArray, probes: FloatArray) -> bytes:
    """Per subject: the enrolled face, then the mated and the non-mated probe under each scheme's heat map."""
    people = min(_MOST_PEOPLE, len(enrolled))
    figure, axes = _figure(people, 1 + len(PROBES) * len(schemes), width=1.7, height=1.9)
    for person in range(people):
        axes[person][0].imshow(enrolled[person])
        axes[person][0].set_title(f"person {person + 1}, enrolled", fontsize=7)
        for place, (one, probe) in enumerate([(one, probe) for one in schemes for probe in range(len(PROBES))]):
            axis = axes[person][1 + place]
            (heat,) = one.importance.values()
            axis.imshow(probes[person, probe])
            axis.imshow(heat[person, probe], cmap="inferno", alpha=0.5, vmin=0, vmax=1)
            axis.set_title(f"{one.scheme}, {PROBES[probe]}\n{verdict(one.answers[person, probe])}", fontsize=7)
    for axis in axes.ravel():
        axis.set_axis_off()
    return _png(figure)


def _curves(schemes: Sequence[Explained]) -> bytes:
    """Deletion and insertion, averaged over mated probes, a panel for each scheme."""
    figure, axes = _figure(1, len(schemes), width=4.2, height=3.0)
    for axis, one in zip(axes[0], schemes, strict=True):
        for index, (method, found) in enumerate(one.curves.items()):
            colour = "#62666c" if method == CONTROL else ("#1f5f9e", "#a8500f", "#2f7a3d")[index % 3]
            share = np.linspace(0, 1, found.deletion.shape[2])
            axis.plot(share, found.insertion[:, 0].mean(axis=0), color=colour, label=f"{method}: inserted")
            axis.plot(share, found.deletion[:, 0].mean(axis=0), color=colour, linestyle="--", label="deleted")
        axis.axhline(0, color="#d9dbde", linewidth=1)
        axis.set_title(one.scheme, fontsize=9)
        axis.set_xlabel("share of the parts, most important first", fontsize=8)
        axis.set_ylabel("score above the threshold", fontsize=8)
        axis.legend(fontsize=6, frameon=False)
    return _png(figure)


def _figure(rows: int, columns: int, *, width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows + 0.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns, squeeze=False)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _csv(schemes: Sequence[Explained]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["scheme", "method", "faithfulness", "low", "high", "n", "fmr"])
    for one in schemes:
        for method, found in one.curves.items():
            value, (low, high) = faithfulness(found)
            name = inert(printable(one.scheme))
            writer.writerow([name, method, repr(value), repr(low), repr(high), len(found.rise), one.fmr])
    return text.getvalue()


def _html(schemes: Sequence[Explained], files: dict[str, bytes], of: str) -> str:
    rows = []
    for one in schemes:
        for method, found in one.curves.items():
            value, (low, high) = faithfulness(found)
            cells = (printable(one.scheme), method, f"{number(value)} [{number(low)}, {number(high)}]")
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    pictures = "".join(
        f'<h2>{title}</h2><img alt="{title}" src="data:image/png;base64,{b64encode(files[name]).decode()}">'
        for name, title in _TITLES.items()
        if name in files
    )
    people, fmr = len(schemes[0].answers), ", ".join(f"{one.fmr:g} ({printable(one.scheme)})" for one in schemes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        "<title>Why a template accepted or rejected a probe</title>"
        f"<style>{_STYLE}</style></head><body><h1>Why a template accepted or rejected a probe</h1>"
        f"<p>{people} subjects of {escape(printable(of))}. Scores are in standard deviations of a template's impostor "
        f"scores, above the threshold at FMR {escape(fmr)}. Faithfulness is the area between the insertion and the "
        "deletion curve, most important parts first, over both probes. Its unit is the difference in score between the "
        "whole face and a blank one. It is 0 for a random order, 1 where the first part decides, and more where some "
        "parts lower the score. 95 % intervals over "
        f"subjects.</p><table><tr><th>scheme</th><th>method</th><th>faithfulness</th></tr>{''.join(rows)}</table>"
        f"{pictures}</body></html>\n"
    )


_TITLES = {
    "heatmaps.png": "Where in the face",
    "contributions.png": "Which dimensions of the embedding",
    "curves.png": "Deletion and insertion",
}
