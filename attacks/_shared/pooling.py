"""Long templates read at several scales: value by value, and as means of runs and of combs of values."""

from __future__ import annotations

from mote_bench.contracts import FloatArray

_SHORT = 2048
_WIDTHS = (32, 64, 128, 256, 512)


def at_scales(table: FloatArray) -> list[FloatArray]:
    """The table (n, p) itself and, beyond 2,048 columns, its means at ten scales, each an (n, fewer) table.

    What many values say together is lost on a classifier with few people: it can't learn thousands of small weights,
    but it can learn the weight of their mean. A net's hidden units are interchangeable, so the first layer tells most
    by its mean over units; whoever doesn't know the format still meets it, since a layer's weights lie either in runs
    (means of ``width`` neighbours) or in a comb (means of every ``width``-th value).
    """
    if table.shape[1] <= _SHORT:
        return [table]
    return [table, *(mean for width in _WIDTHS for mean in _means(table, width))]


def _means(table: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    runs = table.shape[1] // width
    blocks = table[:, : runs * width].reshape(len(table), runs, width)
    return blocks.mean(axis=2), blocks.mean(axis=1)
