import importlib.util
import sys
from collections import Counter
from importlib.metadata import PackageNotFoundError
from itertools import product

import pytest
import soundfile
from forkserver import quick_workers  # noqa: F401 (a fixture)

from vladser.corpora import readers
from vladser.corpora.demo import reader
from vladser.corpora.demo.reader import plan
from vladser.errors import InputError

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="needs espeakng-loader: pip install 'vladser[demo]'",
)


@pytest.fixture
def few(quick_workers):  # noqa: F811
    """Turns of both speakers of a session."""
    turns = plan()
    return turns[:6] + turns[40:43]


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_is_a_small_iemocap_of_short_recordings_without_clipping(shared):
    folder = shared("demo", lambda folder: readers.read("demo", folder))
    utterances = readers.read("demo", folder).utterances
    assert 360 <= len(utterances) <= 400
    said = [(u.speaker, u.emotion.replace("excited", "happy")) for u in utterances]
    by_speaker = Counter(said)
    assert len(by_speaker) == 40 and min(by_speaker.values()) >= 4
    assert all(u.session == u.speaker[:-1] for u in utterances)
    share = Counter(emotion for _, emotion in said)
    # IEMOCAP's published counts in its 5,531 utterances.
    published = {"angry": 1103, "happy": 1636, "neutral": 1708, "sad": 1084}
    for name, count in published.items():
        assert share[name] / len(said) == pytest.approx(count / 5531, abs=0.01)
    for utterance in utterances:
        info = soundfile.info(utterance.file)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert 0.8 < info.duration < 2.7
        samples = soundfile.read(utterance.file, dtype="int16")[0].astype(int)
        assert 1000 < abs(samples).max() < 32767
    assert "espeakng_loader" not in sys.modules  # it stays out of this process


def test_every_class_says_the_same_sentences():
    said = {(t.line.text, t.emotion.replace("excited", "happy")) for t in plan()}
    texts, labels = map(set, zip(*said, strict=True))
    assert len(texts) >= 12 and said == set(product(texts, labels))


def test_it_is_made_once_and_is_the_same_to_the_sample(tmp_path, few, monkeypatch):
    for name in "ab":
        reader.make(tmp_path / name, few)
    made = [contents(tmp_path / name).values() for name in "ab"]
    assert sorted(made[0]) == sorted(made[1]) and len({*made[0]}) == len(few) + 2
    monkeypatch.setattr(reader, "speak", None)
    reader.make(tmp_path / "a", few)


def test_an_interrupted_synthesis_leaves_nothing(tmp_path, few, monkeypatch):
    write, written = soundfile.write, []

    def interrupted(*args, **options):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(write(*args, **options))

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(soundfile, "write", interrupted)
        reader.make(tmp_path / "demo", few)
    assert not any(tmp_path.iterdir())
    (tmp_path / "demo").mkdir()  # an empty folder is as good as none
    reader.make(tmp_path / "demo", few)
    wavs = (tmp_path / "demo").glob("*.wav")
    assert {wav.stem for wav in wavs} == {turn.name for turn in few}


def test_a_damaged_release_is_refused(tmp_path, few):
    reader.make(tmp_path / "demo", few)
    (tmp_path / "demo" / "more.txt").write_text("the user's own")
    reader.make(tmp_path / "demo", few)
    wav = tmp_path / "demo" / f"{few[0].name}.wav"
    whole = wav.read_bytes()
    for damaged in whole[:-2], whole[:-1] + b"\1", None:
        wav.unlink() if damaged is None else wav.write_bytes(damaged)
        with pytest.raises(InputError, match=f"{wav.name} .*; delete the folder"):
            reader.make(tmp_path / "demo", few)


def test_a_folder_of_something_else_is_refused(tmp_path, few):
    reader.make(tmp_path / "demo", few)
    (tmp_path / "thesis.txt").write_text("")
    before = contents(tmp_path)
    for folder, turns in (tmp_path / "demo", few[:-1]), (tmp_path, few):
        with pytest.raises(InputError, match="something else, or the demo of another"):
            reader.make(folder, turns)
    with pytest.raises(InputError, match="Not a directory"):
        readers.read("demo", tmp_path / "thesis.txt")
    with pytest.raises(InputError, match="cannot write"):
        reader.make(tmp_path / "thesis.txt" / "demo", plan()[:1])
    assert contents(tmp_path) == before


def test_says_what_to_install(tmp_path, monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(reader, "version", absent)
    with pytest.raises(InputError, match=r"pip install 'vladser\[demo\]'"):
        reader.read(tmp_path / "demo")
    assert not any(tmp_path.iterdir())
