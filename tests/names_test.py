"""Kind of fault: one name written in several ways."""

import unicodedata

import launching
import pytest

from launch.predicting import inputs
from vladser.corpora import emotions, names, readers
from vladser.types import Corpus, Utterance

pytestmark = pytest.mark.fault("names")

COMPOSED, DECOMPOSED = "Zoë", "Zoe\u0308"


@pytest.mark.parametrize(
    "written",
    [
        COMPOSED,
        DECOMPOSED,
        "Zoë\u200b",  # zero-width space
        "\ufeffZoë",  # byte-order mark
        "Zo\u00adë",  # soft hyphen
        "\u202aZoë\u202c",  # direction marks, as copied from PDF files
        "Zoë\u2060",  # word joiner
        "\u00a0Zoë ",  # no-break space
        "\tZoë\u3000",  # ideographic space
    ],
)
def test_a_name_has_one_way_to_be_written(written):
    assert names.normalize(written) == COMPOSED


def test_names_that_differ_stay_apart():
    for name in "Zoe", "zoë", "Zoë 2", "李雷", "Ωmega", "O'Neil":
        assert names.normalize(name) == name != COMPOSED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna", "anna"),
        ("spk1", "spk01"),
        ("spk 1", "spk_1"),
        ("A-12", "a012"),
        ("straße", "STRASSE"),
        ("03", "3.0"),
        ("\uff2d1", "m1"),  # full width
        ("Spk 1", "spk01"),
    ],
)
def test_names_that_look_alike_are_a_group(one, other):
    assert names.alike([one, "someone", other]) == [sorted([one, other])]


def test_numbers_that_differ_do_not_look_alike():
    assert not names.alike(["1", "10", "100", "0", "s1", "s11", "1s", "2", "30", "3.0"])


@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_file_is_located_by_either_form_of_its_path(tmp_path, stored, asked):
    path = tmp_path / unicodedata.normalize(stored, "Zoë") / "ä.wav"
    path.parent.mkdir()
    path.touch()
    query = tmp_path / unicodedata.normalize(asked, "Zoë") / "ä.wav"
    assert names.locate(query).samefile(path)


def test_a_path_that_is_there_or_nowhere_stays_as_it_is(tmp_path):
    there, long = ("a.wav", "A.wav", "b\\c.wav", "b"), "x" * 300
    for name in there:
        (tmp_path / name).touch()
    for name in *there, "A.WAV", DECOMPOSED, "none/a.wav", long, f"{long}/a":
        assert names.locate(tmp_path / name) == tmp_path / name


@pytest.mark.parametrize(
    "listed",
    [
        "Wav/Anna/03 Ä.wav",
        "WAV/ANNA/03 A\u0308.WAV",
        "Wav\\Anna\\03 Ä.wav",
        ".\\WAV\\anna\\03 ä.wav",
        "wav\\../wav\\anna/03 \u200bä.wav",
    ],
)
def test_a_file_of_a_list_from_elsewhere_is_located(tmp_path, monkeypatch, listed):
    file = tmp_path / "Wav" / "Anna" / "03 Ä.wav"
    file.parent.mkdir(parents=True)
    assert not names.locate(tmp_path / listed).is_file()
    file.touch()
    assert names.locate(tmp_path / listed).samefile(file)
    (tmp_path / "mine.csv").write_text(f"file\n{listed}\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    assert all(u.file.samefile(file) for u in inputs.find([listed, "mine.csv"])[0])


def test_every_reader_gives_one_speaker_one_name(tmp_path, monkeypatch):
    file = launching.write_corpus(tmp_path / "toy")
    lines = file.read_text().splitlines()
    ways = [COMPOSED, DECOMPOSED, f"{COMPOSED}\u200b", f" {COMPOSED}"]
    for n, line in enumerate(lines[1:], 1):
        line = line.replace(",s0,", f",{ways[n % 4]},")
        lines[n] = line.replace(",sad", ",WU\u0308T")
    file.write_text("\n".join(lines), encoding="utf-8")
    corpus = readers.read("manifest", file)
    assert {u.speaker for u in corpus.utterances} == {COMPOSED, "s1", "s2", "s3"}
    chosen, classes = emotions.select(corpus, emotions.parse("wüt,Happy"))
    assert classes == ("wüt", "happy") and len(chosen.utterances) == 16


def _corpus(*said):
    return Corpus([Utterance(f"{n}", None, "s", e) for n, e in enumerate(said)], [])


@pytest.mark.parametrize(
    ("label", "close"),
    [
        ("anger", "angry"),
        ("hapiness", "happy"),
        ("sadness", "sad"),
        ("neutrl", "neutral"),
        ("anrgy", "angry"),
    ],
)
@pytest.mark.fault("emotions")
def test_what_is_not_chosen_is_counted_and_asked_about(label, close):
    four = "angry", "happy", "sad", "neutral"
    corpus = _corpus(*four, label, label, "bored")
    (note,) = emotions.select(corpus, emotions.parse(",".join(four)))[0].notes
    assert note.endswith(f": {label} 2 (is that {close}?), bored 1")


def test_where_all_is_chosen_there_is_no_note():
    assert not emotions.select(_corpus("sad", "happy"), (("sad",), ("happy",)))[0].notes
