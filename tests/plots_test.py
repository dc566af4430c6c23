import io

import matplotlib.image
import numpy as np

from vladser import plots

MATRIX = [[3.5, 0.5, 0], [1, 1, 0], [0, 0, 0]]
EMOTIONS = ("angry", "sad", "bored")


def test_each_cell_shows_share_of_its_row_and_count():
    (axes,) = plots.confusion(MATRIX, EMOTIONS, "demo: mean").axes
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells[0, 0] == "87.5%\n(3.5)" and cells[1, 0] == "12.5%\n(0.5)"
    assert cells[0, 1] == "50.0%\n(1)" and cells[2, 1] == "0.0%\n(0)"
    assert {cells[x, 2] for x in range(3)} == {"0.0%\n(0)"}
    assert len(cells) == 9


def test_rows_are_spoken_and_columns_predicted():
    (axes,) = plots.confusion(MATRIX, EMOTIONS, "demo: mean").axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "spoken")
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        assert tuple(label.get_text() for label in labels) == EMOTIONS
    assert axes.get_title() == "demo: mean"
    shades = axes.images[0].get_array()
    np.testing.assert_allclose(shades, [[7 / 8, 1 / 8, 0], [0.5, 0.5, 0], [0, 0, 0]])


def test_it_is_saved_without_a_display(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    file = io.BytesIO()
    plots.confusion(MATRIX, EMOTIONS, "demo: mean").savefig(file, format="png")
    file.seek(0)
    image = matplotlib.image.imread(file)
    assert min(image.shape[:2]) > 300 and image.std() > 0
