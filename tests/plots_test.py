import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from vladser.plots import areas, lines, style

MATRIX = [[3.5, 0.5, 0], [1, 1, 0], [0, 0, 0]]
EMOTIONS = ("angry", "sad", "bored")


def _lines(axes):
    return {line.get_label(): line for line in axes.lines}


def _texts(figure):
    return {t.get_text() for t in figure.findobj(Text)}


def _labels(ticks):
    return [label.get_text() for label in ticks]


def test_a_confusion_matrix_has_a_row_a_spoken_emotion_with_shares_and_counts():
    (axes,) = areas.confusion(MATRIX, EMOTIONS, "demo: mean").axes
    cells, shades = {}, {}
    for text in axes.texts:
        cells.setdefault(text.get_position(), []).append(text.get_text())
    for patch in axes.patches:
        shades[tuple(patch.get_xy())] = patch.get_alpha() / style.SHADE
    assert cells[0, 0] == ["87.5%", "(3.5)"] and cells[1, 0] == ["12.5%", "(0.5)"]
    assert cells[0, 1] == ["50.0%", "(1)"] and cells[2, 1] == ["0.0%", "(0)"]
    assert all(cells[x, 2] == ["0.0%", "(0)"] for x in range(3)) and len(cells) == 9
    for (row, column), share in np.ndenumerate([[7, 1, 0], [4, 4, 0], [0, 0, 0]]):
        assert shades[column - 0.5, row - 0.5] == pytest.approx(share / 8)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "spoken")
    assert axes.get_title() == "demo: mean" and axes.yaxis_inverted()
    assert _labels(axes.get_xticklabels()) == _labels(axes.get_yticklabels())
    assert _labels(axes.get_xticklabels()) == [*EMOTIONS]


def test_conditions_show_our_interval_the_papers_and_the_reference():
    figure = lines.by_condition(
        ["mean", "netvlad"], [0.7, 0.8], [(0.6, 0.75), None], [None, 0.626], "mean"
    )
    (axes,) = figure.axes
    drawn = _lines(axes)
    np.testing.assert_allclose(drawn["95 % interval"].get_xdata(), [70, 80])
    np.testing.assert_allclose(drawn["the paper"].get_xdata(), [np.nan, 62.6])
    np.testing.assert_allclose(drawn["reference"].get_xdata(), 70)
    (bars,) = (c for c in axes.collections if isinstance(c, LineCollection))
    first, second = bars.get_segments()
    np.testing.assert_allclose([first[:, 0], second[:, 0]], [[60, 75], [80, 80]])
    assert {"mean", "netvlad", "70.0", "80.0"} <= _texts(figure)
    (axes,) = lines.by_condition(["mean"], [0.7], [None], [None], "mean").axes
    assert set(_lines(axes)) == {"mean", "reference"}


@pytest.mark.parametrize(("count", "bands"), [(3, 3), (24, 0)])
def test_curves_start_at_epoch_1_and_no_two_look_alike(count, bands):
    loss = np.array([1.0, 0.5]), np.array([0.9, 0.4]), np.array([1.1, 0.6])
    given = {f"condition {n}": loss for n in range(count)}
    figure = lines.by_epoch(given, "training loss")
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 1], [2, 0.5]])
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == count and len(axes.collections) == bands
    assert axes.get_ylabel() == "training loss" and set(given) <= _texts(figure)


def test_clusters_are_stacked_to_the_whole_of_each_tested_emotion():
    shares = np.random.default_rng(0).dirichlet(np.ones(5), (3, 10)).swapaxes(1, 2)
    shares[2] = np.nan
    panels = areas.clusters(shares, EMOTIONS).axes
    for panel, of_emotion in zip(panels[:2], shares[:2], strict=True):
        areas_drawn = [patch.get_data() for patch in panel.patches]
        heights = [top - bottom for top, _, bottom in areas_drawn]
        np.testing.assert_allclose(heights, 100 * of_emotion)
        np.testing.assert_allclose(areas_drawn[-1].values, 100)
    assert [panel.get_title() for panel in panels[:3]] == [*EMOTIONS]
    assert [text.get_text() for text in panels[2].texts] == ["not tested"]
