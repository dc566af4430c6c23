"""Kind of fault: names and configurations that a picture cannot bear."""

from unittest import mock

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text

from launch.output import pictures
from vladser.plots import areas, style, svg

pytestmark = pytest.mark.fault("pictures")

NAMES = {
    "dollars": "$_$",
    "open dollar": "100 $",
    "backslash": r"\frac{1}",
    "percent": "50 %",
    "tags": "<b>&amp;",
    "braces": "{}^_",
    "umlauts": "fröhlich",
    "arabic": "سعيد",
}


def matrix(*names):
    return areas.confusion(np.eye(len(names)), names, " ".join(names))


def texts(figure):
    return {label.get_text() for label in figure.findobj(Text)}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_is_drawn_as_it_is_written(tmp_path, name):
    figure = matrix(name, "sad")
    pictures.write(tmp_path / "picture.png", figure)
    assert name in texts(figure)
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_letters_that_no_font_has_are_written_by_their_code(tmp_path):
    lacked = "\U0001fbc8\ue123"  # hardly in any font: a sextant, and private use
    figure = matrix(f"a{lacked}", "sad")
    drawn = svg.inline(figure, "title", "description")
    assert lacked in drawn  # who reads the page may have a font
    pictures.write(tmp_path / "picture.png", figure)
    assert "a\\U0001fbc8\\ue123" in texts(figure)


RC = {"text.usetex": True, "font.size": 30, "savefig.bbox": "tight", "axes.grid": True}


def test_a_picture_is_the_same_whatever_matplotlibrc_says(tmp_path):
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        pictures.write(tmp_path / "plain.png", matrix("angry", "sad"))
    with matplotlib.rc_context(RC):
        pictures.write(tmp_path / "odd.png", matrix("angry", "sad"))
        assert matplotlib.rcParams["font.size"] == 30  # the user's own stay
    plain, odd = ((tmp_path / f"{n}.png").read_bytes() for n in ("plain", "odd"))
    assert plain == odd


def test_slanted_names_end_under_their_columns():
    figure = matrix(*(f"emotion number {n}" for n in range(8)))
    with style.look():
        figure.canvas.draw()
    (axes,) = figure.axes
    for column, label in enumerate(axes.get_xticklabels()):
        box = label.get_window_extent()
        end = axes.transData.inverted().transform((box.x1, box.y1))[0]
        assert column - 0.3 < end < column + 0.5


def test_a_picture_that_cannot_be_drawn_is_a_note(tmp_path, monkeypatch, capsys):
    figure, error = matrix("angry", "sad"), RuntimeError("no ink")
    monkeypatch.setattr(figure, "savefig", mock.Mock(side_effect=error))
    pictures.write(tmp_path / "picture.png", figure)
    said = capsys.readouterr().err
    assert said.startswith("note: ") and "no ink" in said and said.count("\n") == 1
    assert not (tmp_path / "picture.png").exists()
