"""Corpora by their names, and readers that live elsewhere."""

import pytest

from vladser.corpora import readers
from vladser.errors import InputError
from vladser.types import UNKNOWN, Corpus, Utterance


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes a reader with this body, and returns its import path."""

    def write(body):
        name = f"reader_{abs(hash(body))}"
        (tmp_path / "own_package").mkdir(exist_ok=True)
        (tmp_path / "own_package" / f"{name}.py").write_text(body)
        return f"own_package.{name}"

    monkeypatch.syspath_prepend(tmp_path)
    return write


def test_a_reader_that_lives_elsewhere_is_named_by_its_import_path(own, tmp_path):
    body = (
        "from vladser.types import Corpus, Utterance\n\ndef read(folder):\n"
        "    utterance = Utterance('a', folder / 'a.wav', 'x', 'sad')\n"
        "    return Corpus([utterance], ['a note'])"
    )
    utterance = Utterance("a", tmp_path / "a.wav", "x", "sad")
    name = readers.parse(own(body))
    assert readers.read(name, tmp_path) == Corpus([utterance], ["a note"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("import nowhere", "No module named 'nowhere'"),
        ("x = 1", "no attribute 'read'|has no attribute"),
        ("def read(folder):\n    return []", "is a list, expected a vladser.types.Cor"),
        ("def read(folder):\n    (folder / 'x.csv').open()", "x.csv: cannot be read"),
    ],
)
def test_what_is_no_reader_is_said(own, tmp_path, body, message):
    with pytest.raises(InputError, match=message) as error:
        readers.read(own(body), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "emo", "emodb.", ".x", "a.b-c", "my package.x"])
def test_what_is_no_name_and_no_import_path_is_refused(text):
    with pytest.raises(InputError, match=r"one of aesdd, .* or an import path"):
        readers.parse(text)


@pytest.mark.fault("names")
@pytest.mark.parametrize("column", ["speaker", "emotion"])
@pytest.mark.parametrize("letter", ["\ufeff", "\u200b", "\u2060 \u00ad"])
def test_a_name_without_a_visible_letter_is_refused(tmp_path, column, letter):
    cells = {"file": "a.wav", "speaker": "s", "emotion": "sad"} | {column: letter}
    table = tmp_path / "list.csv"
    lines = [",".join(cells), ",".join(cells.values())]
    table.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=f"^a.wav: {column} .*u.*expected a name"):
        readers.read("manifest", table)


def test_unknown_is_no_person_however_it_is_written(tmp_path):
    spelt = "Unknown", "unknown", "UNKNOWN", "unknown man"
    lines = [f"{n}.wav,{name},sad" for n, name in enumerate(spelt)]
    manifest = tmp_path / "mine.csv"
    manifest.write_text("\n".join(["file,speaker,emotion", *lines]))
    speakers = [u.speaker for u in readers.read("manifest", manifest).utterances]
    assert speakers == [UNKNOWN] * 3 + ["unknown man"]
