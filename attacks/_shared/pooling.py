"""Long templates at several scales: value by value, means of neighbouring values, means of every k-th value."""

from __future__ import annotations

from mote_bench.contracts import FloatArray

_SHORT = 2048
_WIDTHS = (32, 64, 128, 256, 512)


def at_scales(table: FloatArray) -> list[FloatArray]:
    """The table (n, p) itself and, beyond 2,048 columns, its means at ten scales, each an (n, fewer) table.

    With few subjects a classifier can't learn thousands of small weights, but it can learn the weight of their mean. A
    net's hidden units can be permuted, so its first layer shows most in means over units. The format need not be known:
    a layer's weights lie either in runs (means of ``width`` neighbours) or in a comb (means of every ``width``-th
    value).
    """
    if table.shape[1] <= _SHORT:
        return [table]
    return [table, *(mean for width in _WIDTHS for mean in _means(table, width))]


def _means(table: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    runs = table.shape[1] // width
    blocks = table[:, : runs * width].reshape(len(table), runs, width)
    return blocks.mean(axis=2), blocks.mean(axis=1)
