"""Long recordings in windows."""

import json

import matplotlib.image
import numpy as np
import pytest
import soundfile

from launch.predicting import windows
from vladser.features import audio, extraction
from vladser.models import bundle, inference
from vladser.plots import lines
from vladser.types import Utterance

pytestmark = pytest.mark.fault("predictions")

pytest_plugins = "predicting"
FORMATS = {"wav": {}, "flac": {}, "ogg": {"format": "OGG", "subtype": "VORBIS"}}


def utterance(file, start=None, end=None):
    return Utterance("0", file, "", "", start=start, end=end)


def noise(seconds, rate=16000):
    return np.random.default_rng(0).uniform(-0.3, 0.3, round(seconds * rate))


@pytest.mark.parametrize("seconds", [0.06, 3.99, 4, 4.05, 4.06, 7.3, 20, 61.999])
@pytest.mark.parametrize(("window", "hop"), [(4, 1), (4, 4), (0.3, 0.1), (2, 1.3)])
def test_windows_cover_a_recording(seconds, window, hop):
    start, end = np.array([*windows.spans(seconds, window, hop)]).T
    assert start[0] == 0 and (np.diff(start) > 0).all() and end[-1] <= seconds + 1e-9
    assert seconds - end[-1] < 0.06  # less than a frame is new
    np.testing.assert_allclose(end - start, min(window, seconds))
    assert (start[1:] <= end[:-1] + 1e-9).all()  # without gaps
    np.testing.assert_allclose(np.diff(start)[:-1], hop)
    assert (np.diff(start) <= hop + 1e-9).all()


def test_a_short_recording_is_one_window_and_segments_are_cut_within(tmp_path):
    file = tmp_path / "a.wav"
    soundfile.write(file, noise(3), 16000)
    assert windows.cut([utterance(file)], 4, 1) == [[utterance(file, 0.0, 3.0)]]
    (found,) = windows.cut([utterance(file, 0.5, 2.6)], 1, 0.7)
    spans = [(one.id, one.start, one.end) for one in found]
    assert spans == [("0", 0.5, 1.5), ("1", 1.2, 2.2), ("2", 1.6, 2.6)]


def test_what_cannot_be_cut_is_left_for_extraction_to_refuse(tmp_path):
    (tmp_path / "text.wav").write_text("words")
    soundfile.write(tmp_path / "a.wav", noise(1), 16000)
    for file, span in [("text.wav", ()), ("gone.wav", ()), ("a.wav", (3.0, 4.0))]:
        whole = utterance(tmp_path / file, *span)
        assert windows.cut([whole], 0.5, 0.5) == [[whole]]
        with pytest.raises(audio.BadAudio):
            audio.load(whole.file, whole.start, whole.end)


@pytest.mark.parametrize("name", FORMATS)
def test_a_window_of_a_file_is_to_the_sample_that_of_its_signal(tmp_path, name):
    file = tmp_path / f"a.{name}"
    soundfile.write(file, noise(10), 16000, **FORMATS[name])
    whole = audio.load(file)
    for window in windows.cut([utterance(file)], 3, 0.7)[0]:
        first, last = round(window.start * 16000), round(window.end * 16000)
        part = audio.load(file, window.start, window.end)
        np.testing.assert_array_equal(part, whole[first:last])


@pytest.mark.slow
def test_each_window_is_extracted_as_a_signal_of_its_own(trained, call, tmp_path):
    file, cache = tmp_path / "long.flac", tmp_path / "cache"
    soundfile.write(file, noise(1.6), 16000)
    argv = "--max_seconds=0.5", "--format=json", f"--cache_dir={cache}", file
    assert call(*argv)[0] == 1  # it is too long
    before = [*cache.rglob("*.npy")]
    status, out, _ = call("--window=0.5", *argv)  # the hop is half a window
    assert status == 0 and [*cache.rglob("*.npy")] == before  # nothing is kept
    rows = json.loads(out)
    spans = [(row["start"], row["end"]) for row in rows]
    starts = 0, 0.25, 0.5, 0.75, 1, 1.1
    assert spans == [(start, start + 0.5) for start in starts]
    parts = [utterance(file, *span) for span in spans]
    smile = extraction.DEFAULT.setup()
    signals = [smile(audio.load(part.file, part.start, part.end)) for part in parts]
    expected = inference.classify(bundle.load(trained.model), signals)
    found = [[*row["probabilities"].values()] for row in rows]
    np.testing.assert_allclose(found, expected.probabilities, atol=1e-5)


def test_windows_that_are_bad_are_one_line_a_reason(call, tmp_path):
    soundfile.write(tmp_path / "low.wav", noise(3, 8000), 8000)
    status, out, err = call("--window=1", "--format=jsonl", tmp_path / "low.wav")
    complaint, last = err.splitlines()
    assert (status, out) == (1, "")
    assert complaint.startswith(f"{tmp_path}/low.wav, 0-1 s: is sampled at 8000 Hz")
    assert complaint.endswith("(and 4 more of this file)")
    assert last == "error: 5 of 5 windows could not be classified"


@pytest.mark.slow
def test_a_timeline_a_recording_of_any_file_name(call, tmp_path, recwarn):
    for name in ("a/take.wav", "b/take.wav", "b/$x_$ 日本.wav", "a/new\nline.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, noise(0.7), 16000)
    (tmp_path / "b" / "words.wav").write_text("words")
    plots = tmp_path / "new" / "plots"
    argv = (f"--timeline={plots}", "--window=0.5", tmp_path / "a", tmp_path / "b")
    assert call(*argv)[0] == 1
    names = "$x_$ 日本.png", "new\nline.png", "take-2.png", "take.png"
    assert sorted(file.name for file in plots.iterdir()) == [*names]
    assert all(matplotlib.image.imread(file).std() > 0 for file in plots.iterdir())
    assert not [one for one in recwarn if "Glyph" in str(one.message)]


def bars(axes):
    """(lane, begin, end) of each bar."""
    for lane in axes.collections:
        for path in lane.get_paths():
            (left, low), (right, high) = path.get_extents().get_points()
            yield round((low + high) / 2), left, right


@pytest.mark.slow
def test_a_timeline_shows_every_window_and_gaps_where_there_is_none():
    start = np.arange(5.0) * 60
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0, 0], [0.3, 0.7], [0.6, 0.4]])
    probabilities[2] = np.nan
    figure = lines.by_time(start, start + 60, probabilities, ("angry", "sad"), "a.wav")
    above, below = figure.axes
    for line, values in zip(above.lines, probabilities.T, strict=True):
        np.testing.assert_allclose(line.get_xdata(), start / 60 + 0.5)
        np.testing.assert_allclose(line.get_ydata(), 100 * values)
    assert {line.get_label() for line in above.lines} == {"angry", "sad"}
    lanes = [(0, 0, 1), (0, 4, 5), (1, 1, 2), (1, 3, 4)]
    assert sorted(bars(below)) == lanes
    assert below.get_xlabel() == "time, min"
    assert [label.get_text() for label in below.get_yticklabels()] == ["angry", "sad"]
