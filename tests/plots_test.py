import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from vladser.plots import clusters, confusion, curves, intervals, lines, speakers, style

MATRIX = [[3.5, 0.5, 0], [1, 1, 0], [0, 0, 0]]
EMOTIONS = ("angry", "sad", "bored")


def _lines(axes):
    return {line.get_label(): line for line in axes.lines}


def _texts(figure):
    return {t.get_text() for t in figure.findobj(Text)}


def test_each_cell_shows_share_of_its_row_and_count():
    (axes,) = confusion.draw(MATRIX, EMOTIONS, "demo: mean").axes
    cells = {}
    for text in axes.texts:
        cells.setdefault(text.get_position(), []).append(text.get_text())
    assert cells[0, 0] == ["87.5%", "(3.5)"] and cells[1, 0] == ["12.5%", "(0.5)"]
    assert cells[0, 1] == ["50.0%", "(1)"] and cells[2, 1] == ["0.0%", "(0)"]
    assert all(cells[x, 2] == ["0.0%", "(0)"] for x in range(3))
    assert len(cells) == 9


def test_rows_are_spoken_and_columns_predicted():
    (axes,) = confusion.draw(MATRIX, EMOTIONS, "demo: mean").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "spoken")
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert tuple(label.get_text() for label in labels) == EMOTIONS
    assert axes.get_title() == "demo: mean"
    assert axes.yaxis_inverted()  # the first row on top
    shade = {tuple(p.get_xy()): p.get_alpha() / style.SHADE for p in axes.patches}
    for (row, column), share in np.ndenumerate([[7, 1, 0], [4, 4, 0], [0, 0, 0]]):
        assert shade[column - 0.5, row - 0.5] == pytest.approx(share / 8)


def test_intervals_say_ours_the_papers_and_the_reference():
    figure = intervals.draw(
        ["mean", "netvlad"], [0.7, 0.8], [(0.6, 0.75), None], [None, 0.626], "mean"
    )
    (axes,) = figure.axes
    lines = _lines(axes)
    np.testing.assert_allclose(lines["95 % interval"].get_xdata(), [70, 80])
    np.testing.assert_allclose(lines["the paper"].get_xdata(), [np.nan, 62.6])
    np.testing.assert_allclose(lines["reference"].get_xdata(), 70)
    (bars,) = (c for c in axes.collections if isinstance(c, LineCollection))
    first, second = bars.get_segments()
    np.testing.assert_allclose([first[:, 0], second[:, 0]], [[60, 75], [80, 80]])
    assert {"mean", "netvlad", "70.0", "80.0"} <= _texts(figure)


def test_intervals_leave_out_what_is_not_there():
    (axes,) = intervals.draw(["mean"], [0.7], [None]).axes
    assert set(_lines(axes)) == {"mean"}


def test_lines_have_bands():
    alpha = [0.1, 0.2]
    series = {"uniform": ([0.7, 0.8], [0.6, 0.7], [0.8, 0.9])}
    (axes,) = lines.draw(alpha, series, (0.75, 0.7, None)).axes
    drawn = _lines(axes)
    np.testing.assert_allclose(drawn["uniform"].get_xydata(), [[0.1, 70], [0.2, 80]])
    np.testing.assert_allclose(drawn["none"].get_ydata(), 75)
    (band,) = axes.collections
    extent = band.get_datalim(axes.transData)
    np.testing.assert_allclose([extent.y0, extent.y1], [60, 90])


def test_hard_speakers_come_first_and_one_condition_is_marked():
    ua = np.array([[0.9, 0.5, 0.7], [0.8, 0.6, np.nan], [0.1, 0.2, 0.3]])
    (axes,) = speakers.draw(["a", "b", "c"], ["x", "y", "z"], ua, 0).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "c", "a"]
    lines = _lines(axes)
    np.testing.assert_allclose(lines["median"].get_xdata(), [50, 50, 80])
    np.testing.assert_allclose(lines["x"].get_xdata(), [50, 70, 90])
    assert axes.yaxis_inverted()


def test_of_many_speakers_the_hardest_are_drawn():
    ua = np.linspace(0.9, 0.1, 91)[None]
    (axes,) = speakers.draw([str(n) for n in range(91)], ["x"], ua, 0).axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == [str(n) for n in range(90, 60, -1)]


@pytest.mark.parametrize(("count", "bands"), [(3, 3), (24, 0)])
def test_curves_start_at_epoch_1_and_no_two_look_alike(count, bands):
    loss = np.array([1.0, 0.5]), np.array([0.9, 0.4]), np.array([1.1, 0.6])
    given = {f"condition {n}": loss for n in range(count)}
    figure = curves.draw(given, "training loss")
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 1], [2, 0.5]])
    looks = {(line.get_color(), line.get_linestyle()) for line in axes.lines}
    assert len(looks) == count and len(axes.collections) == bands
    assert axes.get_ylabel() == "training loss" and set(given) <= _texts(figure)


def test_clusters_are_stacked_to_the_whole():
    shares = np.random.default_rng(0).dirichlet(np.ones(5), (3, 10)).swapaxes(1, 2)
    figure = clusters.draw(shares, EMOTIONS)
    panels = figure.axes[: len(EMOTIONS)]
    for panel, of_emotion, emotion in zip(panels, shares, EMOTIONS, strict=True):
        assert panel.get_title() == emotion
        areas = [patch.get_data() for patch in panel.patches]
        heights = [top - bottom for top, _, bottom in areas]
        np.testing.assert_allclose(heights, 100 * of_emotion)
        np.testing.assert_allclose(areas[-1].values, 100)


def test_an_untested_emotion_says_so():
    shares = np.full((2, 1, 10), np.nan)
    shares[0] = 1
    figure = clusters.draw(shares, EMOTIONS[:2])
    texts = [[text.get_text() for text in panel.texts] for panel in figure.axes]
    assert texts == [["1"], ["not tested"]]
