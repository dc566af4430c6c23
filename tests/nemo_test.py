"""nEMO, over tables in the published format."""

import pytest

from vladser.corpora import nemo
from vladser.errors import InputError

HEADER = "file_id\temotion\traw_text\tnormalized_text\tspeaker_id\tgender\tage\n"
EMOTIONS = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprised": "surprised",
}


def row(id, emotion):
    text = '„Ród smoka” to "serial".'
    return f"{id}.wav\t{emotion}\t{text}\t{text}\t        {id[:3]}\tmale\t23\n"


def write(folder, rows, wavs):
    (folder / "samples").mkdir(parents=True)
    (folder / "data.tsv").write_text(HEADER + "".join(rows), encoding="utf-8")
    for id in wavs:
        (folder / "samples" / f"{id}.wav").touch()


@pytest.mark.parametrize("top", ["", "nEMO-main"])
def test_reads_the_table(tmp_path, top):
    ids = {f"WR0_{name}_{n}": name for n, name in enumerate(EMOTIONS, start=60)}
    write(tmp_path / top, [row(*item) for item in reversed(ids.items())], ids)
    found, notes = nemo.read(tmp_path)
    assert not notes
    assert [u.id for u in found] == sorted(ids)
    for u in found:
        assert (u.speaker, u.emotion) == ("WR0", EMOTIONS[ids[u.id]])
        assert u.text == u.id.split("_")[2]
        assert u.file == tmp_path / top / "samples" / f"{u.id}.wav"


def test_leaves_out_bad_rows_and_missing_wavs_and_notes_them(tmp_path):
    rows = [row("WR0_anger_1", "anger"), "WR0_fear_2.wav\n", row("WR0_joy_3", "joy")]
    rows += [row("KS0_fear_1", "fear"), "\n"]
    write(tmp_path, rows, ["WR0_anger_1"])
    found, notes = nemo.read(tmp_path)
    assert [u.id for u in found] == ["WR0_anger_1"]
    assert "data.tsv left out, not understood: 2 (such as line 3)" in notes[0]
    assert notes[1].startswith("of 2 utterances, those without a wav under")
    assert notes[1].endswith(": 1 (such as KS0_fear_1.wav)")


def test_wrong_input_is_said(tmp_path):
    with pytest.raises(InputError, match=r"expected nEMO's data.tsv and samples/"):
        nemo.read(tmp_path)
    write(tmp_path, [row("WR0_anger_1", "anger")] * 2, ["WR0_anger_1"])
    with pytest.raises(InputError, match=r"line 3: WR0_anger_1 comes twice"):
        nemo.read(tmp_path)
    (tmp_path / "data.tsv").write_text("file_id\temotion\n")
    with pytest.raises(InputError, match="no column speaker_id"):
        nemo.read(tmp_path)
    (tmp_path / "data.tsv").write_text(HEADER)
    with pytest.raises(InputError, match="expected its recordings"):
        nemo.read(tmp_path)
