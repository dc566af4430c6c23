"""Databases as audformat itself writes them."""

import pickle
import shutil
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import soundfile

from vladser.corpora import readers
from vladser.errors import InputError
from vladser.types import Utterance

pytestmark = [
    pytest.mark.skipif(find_spec("audformat") is None, reason="no audformat"),
    pytest.mark.fault("tables"),
]

FILES = ("wav/03a01Fa.wav", "wav/03a02Nc.wav", "wav/08a01Wa.wav")


@pytest.fixture(autouse=True, scope="module")
def _late():
    """Half a second that only those spend who run these tests."""
    global audformat, pd, yaml
    import audformat
    import pandas as pd  # comes with audformat
    import yaml  # too


def add(db, name, index, split=None, **columns):
    """Adds columns, each of the scheme of its name, to a table that may be new."""
    if name not in db.tables:
        if not isinstance(index, pd.MultiIndex):
            index = audformat.filewise_index(index)
        db[name] = audformat.Table(index, split_id=split)
    for scheme, values in columns.items():
        db[name][scheme] = audformat.Column(scheme_id=scheme)
        db[name][scheme].set(values)


def keep(db, *names):
    """Drops the other tables."""
    db.drop_tables([name for name in db.tables if name not in names])


@pytest.fixture
def database():
    """The shape of emodb as audEERING publishes it: speakers as integers with a table
    about them, sentences as codes with their text, a table for each split."""
    db = audformat.Database("emodb", source="internet", usage="unrestricted")
    labels = ["anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral"]
    texts = {"a01": "Der Lappen liegt.", "a02": "Das will sie."}
    db["speaker"] = audformat.MiscTable(pd.Index([3, 8], dtype="Int64", name="speaker"))
    for scheme, how in {
        "emotion": {"dtype": "str", "labels": labels},
        "confidence": {"dtype": "float"},
        "speaker": {"dtype": "int", "labels": "speaker"},
        "session": {"dtype": "str"},
        "transcription": {"dtype": "str", "labels": texts},
    }.items():
        db.schemes[scheme] = audformat.Scheme(**how)
    add(db, "files", FILES, speaker=[3, 3, 8], transcription=["a01", "a02", "a01"])
    emotions = ["happiness", "neutral", "anger"]
    add(db, "emotion", FILES, emotion=emotions, confidence=[0.9, 1, 0.8])
    for split, rows in ("train", slice(2)), ("test", slice(2, 3)):
        db.splits[split] = audformat.Split(split)
        name = f"emotion.categories.{split}.gold_standard"
        add(db, name, FILES[rows], split, emotion=emotions[rows])
    return db


@pytest.fixture
def saved(tmp_path):
    """Writes a database, and its files unless there are none; reads it."""

    def read(db, files=FILES, **how):
        db.save(str(tmp_path), **how)
        for file in files:
            (tmp_path / file).parent.mkdir(exist_ok=True)
            soundfile.write(tmp_path / file, np.zeros(1600), 16000)
        return readers.read("audformat", tmp_path)

    return read


def refused(folder, message):
    with pytest.raises(InputError, match=message) as error:
        readers.read("audformat", folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_emodb_as_audeering_publishes_it(database, saved, tmp_path, kind):
    utterances, notes = saved(database, storage_format=kind)
    said = [
        ("3", "happy", "Der Lappen liegt.", "train"),
        ("3", "neutral", "Das will sie.", "train"),
        ("8", "angry", "Der Lappen liegt.", "test"),
    ]
    assert utterances == [
        Utterance(file, tmp_path / file, speaker, emotion, text=text, split=split)
        for file, (speaker, emotion, text, split) in zip(FILES, said, strict=True)
    ]
    assert not notes


def test_several_splits_of_the_type_test_are_parts_of_the_test_set(database, saved):
    keep(database, "files")
    emotions = ["fear", "boredom", "disgust"]
    ids = {"test-1": "test", "podcast": "test", "dev": "dev"}
    for file, emotion, (id, type) in zip(FILES, emotions, ids.items(), strict=True):
        database.splits[id] = audformat.Split(type)
        add(database, id, [file], id, emotion=[emotion])
    # A split of the fixture is of that type, too, and has no table.
    splits = [u.split for u in saved(database).utterances]
    assert splits == ["test-1", "test podcast", "validation"]


def test_segments_have_times_and_the_speakers_of_their_files(database, saved):
    files = [FILES[2], FILES[0], FILES[1], FILES[1]]
    starts, ends = ["0s", "0s", "1.5s", "0s"], ["2s", pd.NaT, pd.NaT, "1.25s"]
    index = audformat.segmented_index(files, starts, ends)
    emotions = ["fear", "happiness", "boredom", "disgust"]
    add(database, "turns", index, emotion=emotions, session=["a", "b", "b", "b"])
    utterances = saved(database).utterances
    assert [(u.id, u.start, u.end, u.speaker, u.session) for u in utterances] == [
        (FILES[0], None, None, "3", "b"),  # from its beginning to its end
        (FILES[1], None, None, "3", None),
        (f"{FILES[1]}#0.0-1.25", 0.0, 1.25, "3", "b"),
        (f"{FILES[1]}#1.5-", 1.5, None, "3", "b"),
        (FILES[2], None, None, "8", None),
        (f"{FILES[2]}#0.0-2.0", 0.0, 2.0, "8", "a"),
    ]
    spoken = ["happy", "neutral", "disgusted", "bored", "angry", "fearful"]
    assert [u.emotion for u in utterances] == spoken


def test_names_of_labels_are_taken_and_other_emotions_stay(database, saved):
    keep(database, "files")
    database.schemes["emotion"] = audformat.Scheme(labels={"W": "anger", "X": "Awe"})
    add(database, "mood", FILES, emotion=["W", "X", "X"])
    assert [u.emotion for u in saved(database).utterances] == ["angry", "awe", "awe"]


def test_of_tables_that_disagree_the_gold_standard_counts(database, saved):
    add(database, "files", FILES, emotion=["anger", "anger", "anger"])
    utterances, (note,) = saved(database)
    assert [u.emotion for u in utterances] == ["happy", "neutral", "angry"]
    assert "gold_standard" in note


def test_what_lacks_a_label_is_left_out_and_said(database, saved):
    keep(database, "files", "emotion")
    database["emotion"]["emotion"].set([None, "fear", "sadness"])
    database["files"]["speaker"].set([3, 3, None])
    utterances, notes = saved(database)
    assert [(u.id, u.emotion) for u in utterances] == [(FILES[1], "fearful")]
    assert notes == ["utterances left out, without a speaker: 1"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda db: db.drop_tables("files"), "no label of 'speaker'; .*confidence"),
        (lambda db: keep(db, "files"), "no label of 'emotion'"),
        (
            lambda db: add(db, "emotion", FILES, speaker=[3, 8, 8]),
            f"speaker of {FILES[1]} is 8 in the table emotion and 3 in files",
        ),
    ],
)
def test_what_a_database_lacks_is_said(database, saved, tmp_path, spoil, message):
    spoil(database)
    with pytest.raises(InputError):
        saved(database)
    refused(tmp_path, message)


def test_the_one_database_below_a_folder_is_found(database, saved, tmp_path):
    saved(database)
    place = tmp_path / "cache" / "emodb" / "1.4.1"
    place.mkdir(parents=True)
    for path in [path for path in tmp_path.iterdir() if path.name != "cache"]:
        path.rename(place / path.name)
    (first, *_), _ = readers.read("audformat", tmp_path)
    assert first.file == place / FILES[0]
    shutil.copytree(place, tmp_path / "copy")
    refused(tmp_path, "holds several copies: expected one of cache/emodb/1.4.1, copy")


def test_a_folder_without_a_header_a_table_or_its_files_is_said(
    database, saved, tmp_path
):
    refused(tmp_path / "none", "no db.yaml")
    with pytest.raises(InputError, match=f"none of its files .* as {FILES[0]}"):
        saved(database, files=())
    (tmp_path / "db.files.parquet").write_bytes(b"PAR1 and no more")
    refused(tmp_path, "db.files: is not as audformat writes it")
    (tmp_path / "db.files.parquet").unlink()
    refused(tmp_path, "db.files: is not as audformat writes it: No file found")
    for text in "", "words", "a: [", "tables: {a: 1}":
        (tmp_path / "db.yaml").write_text(text)
        refused(tmp_path, "db.yaml: is not as audformat writes it")


class Attack:
    def __reduce__(self):
        return print, ("code of a pickle ran",)


def test_nothing_in_a_database_runs_as_code(
    database, saved, tmp_path, capfd, monkeypatch
):
    wanted, tables = saved(database), [*tmp_path.glob("db.*.parquet")]
    for file in tables:
        file.with_suffix(".pkl").write_bytes(pickle.dumps(Attack()))
    assert readers.read("audformat", tmp_path) == wanted
    for file in tables:
        file.unlink()
    refused(tmp_path, "No file found")
    header = yaml.safe_load((tmp_path / "db.yaml").read_text())
    (tmp_path / "evil.pkl").write_bytes(pickle.dumps(Attack()))
    monkeypatch.chdir(tmp_path)
    table = {"x/../../../../../../proc/self/cwd/evil": header["tables"]["files"]}
    (tmp_path / "db.yaml").write_text(yaml.safe_dump(header | {"tables": table}))
    refused(tmp_path, "has no plain name")
    (tmp_path / "db.yaml").write_text('name: !!python/object/apply:print ["it ran"]')
    refused(tmp_path, "db.yaml: is not as audformat writes it")
    assert capfd.readouterr().out == ""


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "audformat", None)
    refused(tmp_path, r"needs audformat: pip install 'vladser\[audformat\]'")
