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
from vladser.corpora.demo.speech import speak
from vladser.errors import InputError

needs_espeak = pytest.mark.skipif(
    importlib.util.find_spec("espeakng_loader") is None,
    reason="needs espeakng-loader: pip install 'vladser[demo]'",
)

# IEMOCAP's published counts in its 5,531 utterances.
COUNTS = {"angry": 1103, "happy": 1636, "neutral": 1708, "sad": 1084}


@pytest.fixture(scope="module")
def corpus(shared):
    made = shared("demo", lambda folder: readers.read("demo", folder))
    return readers.read("demo", made)


@pytest.fixture
def few(quick_workers):  # noqa: F811
    """Turns of both speakers of a session."""
    turns = plan()
    return turns[:6] + turns[40:43]


def emotion(utterance):
    return {"excited": "happy"}.get(utterance.emotion, utterance.emotion)


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder): path.read_bytes() for path in files}


@pytest.mark.slow
@needs_espeak
def test_is_a_small_iemocap_of_short_recordings_without_clipping(corpus):
    by_speaker = Counter((u.speaker, emotion(u)) for u in corpus.utterances)
    sessions = ["Ses01", "Ses02", "Ses03", "Ses04", "Ses05"]
    talkers = {(u.session, u.speaker[-1]) for u in corpus.utterances}
    assert talkers == set(product(sessions, "FM"))
    assert len(by_speaker) == 40 and min(by_speaker.values()) >= 4
    by_class = Counter(map(emotion, corpus.utterances))
    assert 360 <= by_class.total() <= 400
    for name, count in COUNTS.items():
        assert by_class[name] / by_class.total() == pytest.approx(
            count / 5531, abs=0.01
        )
    for utterance in corpus.utterances:
        info = soundfile.info(utterance.file)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        assert 0.8 < info.duration < 2.7
        samples = soundfile.read(utterance.file, dtype="int16")[0].astype(int)
        assert 1000 < abs(samples).max() < 32767
    assert "espeakng_loader" not in sys.modules  # it stays out of this process


def test_every_class_says_the_same_sentences():
    said = {
        (turn.line.text, turn.emotion.replace("excited", "happy")) for turn in plan()
    }
    texts, labels = map(set, zip(*said, strict=True))
    assert len(texts) >= 12 and said == set(product(texts, labels))


@needs_espeak
def test_a_release_is_made_once_and_is_the_same_to_the_sample(
    tmp_path, few, monkeypatch
):
    reader.make(tmp_path / "a", few)
    reader.make(tmp_path / "b", few)
    first = contents(tmp_path / "a")
    assert first == contents(tmp_path / "b")
    wavs = [data for path, data in first.items() if path.suffix == ".wav"]
    assert len(set(wavs)) == len(few)
    monkeypatch.setattr(reader, "speak", None)
    reader.make(tmp_path / "a", few)


@pytest.mark.slow
@needs_espeak
def test_each_parameter_of_a_line_is_heard(few):
    line = few[0].line
    changes = {"voice": "en-us+m1", "rate": 250, "pitch": 90, "range": 0, "volume": 40}
    lines = [line] + [line._replace(**{name: new}) for name, new in changes.items()]
    first = [speak([said])[0].tobytes() for said in lines]
    assert len(set(first)) == len(lines)


@needs_espeak
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
    wavs = (tmp_path / "demo").rglob("*.wav")
    assert sorted(wav.stem for wav in wavs) == sorted(turn.name for turn in few)


@needs_espeak
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


@needs_espeak
def test_a_folder_of_something_else_is_refused(tmp_path, few):
    reader.make(tmp_path / "demo", few)
    (tmp_path / "thesis.txt").write_text("")
    before = contents(tmp_path)
    for folder, turns in (tmp_path / "demo", few[:-1]), (tmp_path, few):
        with pytest.raises(
            InputError, match="holds something else, or the demo of ano"
        ):
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
