"""SVG drawings: well formed, repeatable, in the page's colours."""

from __future__ import annotations

from xml.etree import ElementTree

import matplotlib
import pytest

from mote_bench.report import plots

HOSTILE = '<b>&"$x_1$ -->'
DRAWINGS = {
    "dots": lambda label: plots.dots(
        [plots.Dot(label, value=0.5, low=0.4, high=0.6, mark=0.45), plots.Dot(label, word="unmeasured")],
        plots.Axis(label, 0.3, 1.0, floor=0.5, ceiling=0.51),
        name="n",
        alt=label,
    ),
    "det": lambda label: plots.det(
        [plots.Curve(label, [(1.0, 0.0), (0.01, 0.02), (0.0, 1.0)], "main")], name="n", alt=label
    ),
    "histogram": lambda label: plots.histogram(plots.Histogram([0, 1, 2], [0, 3], [0, 0]), name="n", alt=label),
    "groups": lambda label: plots.groups([plots.Group(label, 12, (0.1, 0.0, 0.2), None)], "1e-2", name="n", alt=label),
}


@pytest.fixture(params=DRAWINGS, scope="module")
def draw(request):
    return DRAWINGS[request.param]


def test_a_drawing_is_well_formed_and_says_its_names_verbatim(draw):
    svg = draw(HOSTILE)
    root = ElementTree.fromstring(svg)
    assert root.attrib["aria-label"] == HOSTILE
    assert "<b>" not in svg
    words = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
    assert not any("\\mathdefault" in word for word in words)


def test_a_drawing_is_repeatable_and_names_its_ids(draw):
    assert draw("a") == draw("a")
    ids = [element.attrib["id"] for element in ElementTree.fromstring(draw("a")).iter() if "id" in element.attrib]
    assert all(one.startswith("n-") for one in ids)


def test_colours_are_the_pages(draw):
    svg = draw("a")
    assert "var(--ink)" in svg or "var(--muted)" in svg
    assert not any(stand_in in svg for stand_in in plots._VARIABLES)
    assert "#000000" not in svg


def test_matplotlibs_settings_are_left_alone(draw):
    before = dict(matplotlib.rcParams)
    draw("a")
    assert dict(matplotlib.rcParams) == before


def test_more_leaks_further_right_when_the_axis_is_reversed():
    """An EER of 0.1 must be drawn to the right of one of 0.4."""
    lines = [plots.Dot("low", value=0.1, low=0.1, high=0.1), plots.Dot("high", value=0.4, low=0.4, high=0.4)]
    svg = plots.dots(lines, plots.Axis("EER", 0.0, 0.5, reverse=True), name="n", alt="a")
    across = [
        float(element.attrib["x"])
        for element in ElementTree.fromstring(svg).iter()
        if element.tag.endswith("use") and "var(--main)" in element.attrib["style"]
    ]
    assert across[0] > across[1]


def test_a_curve_of_one_point_is_marked():
    one, many = (
        plots.det([plots.Curve("a", points, "main")], name="d", alt="a point")
        for points in ([(0.01, 0.1)], [(0.01, 0.1), (0.1, 0.01)])
    )
    assert (one.count("<use"), many.count("<use")) == (2, 0)  # on the curve and beside its name
