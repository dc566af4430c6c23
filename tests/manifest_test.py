from pathlib import Path

import pytest

from vladser.corpora import manifest
from vladser.errors import InputError
from vladser.types import Utterance

pytestmark = pytest.mark.fault("tables")


def read(folder, text, encoding="utf-8"):
    file = folder / "mine.csv"
    file.write_bytes(text.encode(encoding))
    return manifest.read(file).utterances


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_reads_the_least_of_any_editor(tmp_path, encoding, newline):
    lines = ["file,speaker,emotion", "wav/ä.wav,Zoë,Angry", "", "a.wav, x , sad", ""]
    assert read(tmp_path, newline.join(lines), encoding) == [
        Utterance("a.wav", tmp_path / "a.wav", "x", "sad"),
        Utterance("wav/ä.wav", tmp_path / "wav/ä.wav", "Zoë", "Angry"),
    ]


def test_reads_every_column_in_any_order(tmp_path):
    text = (
        "split,end,start,text,session,emotion,speaker,file,valence,activation\n"
        'test,2.5,1,"yes, well",A,sad,x,a.wav,1,4.5\n'
        ",,,,,sad,x,/b.wav,,\n"
        ",1,,,,sad,x,a.wav,,5\n"
        ",,2.50,,,sad,x,a.wav,nan,\n"
    )
    a, b = tmp_path / "a.wav", Path("/b.wav")
    assert read(tmp_path, text) == [
        Utterance("/b.wav", b, "x", "sad"),
        Utterance("a.wav#-1.0", a, "x", "sad", end=1.0, activation=5.0),
        Utterance(
            *("a.wav#1.0-2.5", a, "x", "sad", "A", "yes, well", 1.0, 2.5, "test"),
            *(4.5, 1.0),
        ),
        Utterance("a.wav#2.5-", a, "x", "sad", start=2.5),
    ]


TABLE = "file,speaker,emotion,start\na.wav,x,sad,0.5\nb.wav,03,sad,\n"


@pytest.mark.parametrize(
    "saved",
    [
        TABLE.replace(",", ";").replace("0.5", "0,5").encode(),  # Excel in German
        TABLE.replace(",", "\t").encode("utf-16"),  # Excel's "Unicode text"
        f"\ufeffsep=;\r\n{TABLE.replace(',', ';')}".encode(),
        f"{TABLE},,,\n".replace("\n", ",,\n").encode(),  # all that was ever filled
        TABLE.replace("\n", "\r").encode(),  # Excel for Macintosh
        b'"file", "speaker", "emotion", "start"\na.wav, "x", sad, 0.5\nb.wav,03,sad,',
        TABLE.replace("file,speaker", "File,Speaker").encode(),
        b",file,speaker,emotion,start\n0,a.wav,x,sad,0.5\n1,b.wav,03,sad,nan\n",
    ],
)
def test_reads_what_spreadsheets_save(tmp_path, saved):
    (tmp_path / "mine.csv").write_bytes(saved)
    assert manifest.read(tmp_path / "mine.csv").utterances == [
        Utterance("a.wav#0.5-", tmp_path / "a.wav", "x", "sad", start=0.5),
        Utterance("b.wav", tmp_path / "b.wav", "03", "sad"),
    ]


@pytest.mark.parametrize("nothing", ["", "nan", "NaN", "NaT", "<NA>", "None", "NULL"])
def test_nothing_has_many_names_but_emotions_and_words_may_have_them(tmp_path, nothing):
    cells = f"a.wav,NA,{nothing or 'sad'},{nothing or 'words'}" + 4 * f",{nothing}"
    header = "file,speaker,emotion,text,session,start,end,split\n"
    (u,) = read(tmp_path, f"{header}{cells}\n")
    assert (u.speaker, u.emotion, u.text) == tuple(cells.split(",")[1:4])
    assert (u.session, u.start, u.end, u.split) == 4 * (None,)


def test_a_test_set_may_have_parts(tmp_path):
    header, splits = "file,speaker,emotion,split", ("train", "test1", "test_2", "test")
    lines = [f"{n}.wav,x,sad,{split}" for n, split in enumerate(splits)]
    utterances = read(tmp_path, "\n".join([header, *lines]))
    assert tuple(u.split for u in utterances) == splits


TIMES = "file,speaker,emotion,start,end,split\na.wav,x,sad,,,\n"
LEAST = "file,speaker,emotion\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the columns file, speaker, emotion, and each column"),
        ("file;who;emotion\n", "line 1: .* once; got 'file;who;emotion'"),
        ("file,speaker,emotion,file\n", "once; got 'file,speaker,emotion,file'"),
        ("file,speaker,emotion,sex\na,x,sad,m\n", "column 'sex'; expected some of fi"),
        (LEAST, "no utterances"),
        (LEAST + "a.wav,x,sad\nb.wav,,sad\n", "line 3: speaker is empty"),
        (LEAST + "a.wav,x\n", "line 2: 2 cells; expected 3"),
        (LEAST + "a,x,sad\n\n./a,y,sad\n", "line 4: .* as in line 2"),
        (LEAST + 'a,x,"sad\n', "line 2: unexpected end of data"),
        (TIMES + "b.wav,x,sad,2,2,\n", "line 3: start 2.0 is not before end 2.0"),
        (TIMES + "b.wav,x,sad,,0,\n", "line 3: start 0.0 is not before end 0.0"),
        (TIMES + "b.wav,x,sad,one,2,\n", "line 3: start 'one'; expected seconds"),
        (TIMES + "b.wav,x,sad,1,inf,\n", "line 3: end 'inf'; expected seconds"),
        (TIMES + 'b.wav,x,sad,"0,5",1,\n', "line 3: start '0,5'; expected seconds"),
        (LEAST + "a.wav,nan,sad\n", "line 2: speaker is 'nan'"),
        (TIMES + "b.wav,x,sad,-1,2,\n", "line 3: start '-1'; expected seconds"),
        (TIMES + "b,x,sad,,,dev\n", "split 'dev'; expected train, validation, test"),
        (TIMES + "b,x,sad,,,Test1\n", "split 'Test1'; .* test1, test2. or empty"),
        (LEAST.replace("\n", ",valence\n") + "b,x,sad,6\n", "valence '6'; .* 1 to 5"),
        (TIMES + "b,x,sad,1,2,\nb,y,sad,1.0,2,\n", "line 4: .* as in line 3"),
    ],
)
def test_says_file_line_and_fault(tmp_path, text, message):
    with pytest.raises(InputError, match=message) as error:
        read(tmp_path, text)
    assert str(tmp_path / "mine.csv") in str(error.value)
    assert "\n" not in str(error.value)


def test_says_what_is_no_csv_file(tmp_path):
    (tmp_path / "latin.csv").write_bytes(LEAST.encode() + b"\xe4.wav,x,sad\n")
    for name in ".", "none.csv", "latin.csv":
        with pytest.raises(InputError, match="expected a CSV file"):
            manifest.read(tmp_path / name)
