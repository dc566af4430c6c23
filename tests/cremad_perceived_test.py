"""CREMA-D by the votes of listeners, over tables with the published columns."""

import pytest

from vladser.corpora import readers
from vladser.errors import InputError

pytestmark = pytest.mark.fault("labels")

HEADER = (
    '"","A","D","F","H","N","S","fileName","numResponses","agreement","emoVote",'
    '"meanEmoResp"'
)
VOTES = [
    '"100001",0,0,0,1,10,0,"1001_IEO_NEU_XX",11,0.909,"N",71.7',
    '"100004",2,0,0,6,2,0,"1001_IEO_HAP_HI",10,0.6,"H",57.6',
    '"100009",5,5,0,0,1,1,"1001_IEO_ANG_MD",12,0.416,"A:D",50.6',
    '"100010",2,6,0,0,1,0,"1001_IEO_ANG_HI",9,0.666,"D",73.4',
    '"200010",9,0,0,0,0,0,"1001_IEO_ANG_HI",9,1,"A",73.4',  # of the face alone
    '"300010",9,0,0,0,0,0,"1001_IEO_ANG_HI",9,1,"A",73.4',  # of the video
]
NAMES = "1001_IEO_NEU_XX", "1001_IEO_HAP_HI", "1001_IEO_ANG_MD", "1001_IEO_ANG_HI"


def write(root, votes=VOTES, names=(*NAMES, "1002_IEO_SAD_LO")):
    (root / "AudioWAV").mkdir()
    (root / "processedResults").mkdir()
    table = root / "processedResults" / "tabulatedVotes.csv"
    table.write_text("\n".join([HEADER, *votes]) + "\n")
    for name in names:
        (root / "AudioWAV" / f"{name}.wav").touch()
    return root


def test_the_emotion_is_what_most_heard_in_the_sound(tmp_path):
    utterances, notes = readers.read("cremad_perceived", write(tmp_path))
    told = {u.id: (u.speaker, u.emotion, u.text) for u in utterances}
    assert told == {
        "1001_IEO_NEU_XX": ("1001", "neutral", "IEO"),
        "1001_IEO_HAP_HI": ("1001", "happy", "IEO"),
        "1001_IEO_ANG_HI": ("1001", "disgusted", "IEO"),
    }
    tie, without = notes
    assert tie.endswith("with a tie of votes: 1 (such as 1001_IEO_ANG_MD)")
    assert without.endswith("tabulatedVotes.csv: 1 (such as 1002_IEO_SAD_LO)")
    acted = readers.read("cremad", tmp_path).utterances
    assert {u.id: u.file for u in acted}.items() >= {
        u.id: u.file for u in utterances
    }.items()


def test_tables_and_folders_that_are_not_as_published_are_named(tmp_path):
    with pytest.raises(InputError, match=r"expected tabulatedVotes.csv"):
        readers.read("cremad_perceived", tmp_path)
    table = write(tmp_path) / "processedResults" / "tabulatedVotes.csv"
    content = table.read_text()
    table.write_text(content.replace("2,0,0,6,2", "2,0,0,x,2"))
    with pytest.raises(InputError, match=r"line 3: votes .*'x'.* whole numbers"):
        readers.read("cremad_perceived", tmp_path)
    table.write_text(content.replace("1001_", "1009_"))
    with pytest.raises(InputError, match="no votes on the utterances in"):
        readers.read("cremad_perceived", tmp_path)
