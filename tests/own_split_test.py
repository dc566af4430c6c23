"""Protocols that a corpus or a paper prescribes: a split with a validation part, with
several test parts or speakers in common, and lists of speakers."""

import csv
import json
from collections import defaultdict
from itertools import chain
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

import launching
import pytest
import report_page

from launch.experiment import loading
from vladser.corpora import emotions
from vladser.text import percent
from vladser.types import Corpus, Utterance

PARTS = {"s0": ("train",), "s1": ("validation",), "s2": ("test1",)}
PARTS |= {"s3": ("test1", "test2")}  # by turns
SHARED = {"s0": ("train",), "s1": ("train", "test"), "s2": ("", "validation")}
SHARED |= {"s3": ("test",)}


@pytest.fixture
def run(corpus, train, tmp_path, capsys):
    """Trains on the corpus of tones with other splits, speaker by speaker, a number of
    utterances each in turn; returns the folder and what was printed."""
    source = Path(corpus[1].partition("=")[2])

    def run(name, splits, *flags, pictures=False):
        with source.open(newline="") as file:
            header, *rows = csv.reader(file)
        count = defaultdict(int)
        for row in rows:
            parts = splits[row[1]]
            row[0] = str(source.parent / row[0])
            row[-1] = parts[count[row[1]] % len(parts)]
            count[row[1]] += 1
        manifest, folder = tmp_path / f"{name}.csv", tmp_path / name
        with manifest.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        own = f"--data_dir={manifest}", f"--run_dir={folder}", *flags
        assert train(*own, pictures=pictures) == 0
        return folder, capsys.readouterr()

    return run


def predictions(folder):
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def summary(folder):
    return json.loads((folder / "summary.json").read_text())


def recalled(rows):
    """The UA of some predictions."""
    right = defaultdict(list)
    for row in rows:
        right[row["emotion"]].append(row["emotion"] == row["predicted"])
    return fmean(map(fmean, right.values()))


def grouped(rows, *keys):
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    return groups


def said(rows):
    """What trainings say of each utterance."""
    seen = [{k: v for k, v in row.items() if k != "fold"} for row in rows]
    return sorted(seen, key=lambda row: [*row.values()])


@pytest.mark.slow
def test_parts_are_tested_by_one_training_and_have_results_each(run):
    flags = "--hold_out=split", "--grid=aggregator=mean,maximum", "--seeds=2"
    folder, (out, _) = run("parts", PARTS, *flags, pictures=True)
    rows = predictions(folder)
    # One training a condition and seed, of two epochs.
    assert len((folder / "metrics.jsonl").read_text().splitlines()) == 2 * 2 * 2
    assert {row["fold"] for row in rows} == {"test1", "test2"}
    whole = summary(folder)
    parts = [(of["part"], of["name"]) for of in whole["conditions"]]
    names = [*dict.fromkeys(row["condition"] for row in rows)]
    assert parts == [(part, name) for part in ("test1", "test2") for name in names]
    naive, by_seed = {}, grouped(rows, "fold", "condition", "seed")
    for of in whole["conditions"]:
        of_seeds = [by_seed[of["part"], of["name"], seed] for seed in ("0", "1")]
        assert of["ua"]["mean_of_folds"] == pytest.approx(
            fmean(map(recalled, of_seeds))
        )
        speakers = {
            speaker: fmean(map(recalled, grouped(mine, "seed").values()))
            for (speaker,), mine in grouped(chain(*of_seeds), "speaker").items()
        }
        found = {one["speaker"]: one["ua"] for one in of["speakers"]}
        assert found == pytest.approx(speakers)
        naive[of["part"], of["name"]] = fmean(speakers.values())
        assert of["ua"]["mean_of_speakers"] == pytest.approx(fmean(speakers.values()))
        (fold,) = of["folds"]
        assert fold["held_out"] == of["part"]
    for family in whole["comparisons"]:
        (one,) = family["differences"]
        members = one["condition"], family["reference"]
        ua, reference = (naive[family["part"], name] for name in members)
        assert one["difference"] == pytest.approx(ua - reference)
    assert [of["part"] for of in whole["comparisons"]] == ["test1", "test2"]
    lines = [line.split() for line in out.splitlines()]
    for (part, name), ua in naive.items():
        assert [*name.split(), part, percent(ua)] in [
            line[: len(name.split()) + 2] for line in lines
        ]
    page = report_page.Page((folder / "report.html").read_text())
    assert page.tables["UA of all conditions"] == [
        ["condition", "test1", "test2"],
        *(
            [name, *(percent(naive[part, name]) for part in ("test1", "test2"))]
            for name in names
        ),
    ]
    assert "All conditions, test1" in page.tables and len({*page.ids}) == len(page.ids)
    # The training is that of a test set without parts, to the bit.
    alone = {s: tuple(p.rstrip("12") for p in parts) for s, parts in PARTS.items()}
    other, _ = run("one", alone, *flags)
    assert said(predictions(other)) == said(rows)
    assert {of["part"] for of in summary(other)["conditions"]} == {None}


@pytest.mark.slow
def test_the_validation_split_chooses_the_epoch(run):
    flags = "--hold_out=split", "--seeds=1"
    folder, (_, err) = run("best", PARTS, *flags, "--validation=split", "--epochs=4")
    assert "neither trained on" not in err
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    ua = {line["epoch"]: line["validation_ua"] for line in lines}
    best = max(ua, key=ua.get)  # the first of the largest
    other, _ = run("last", PARTS, *flags, f"--epochs={best}")
    rows = [said(predictions(of)) for of in (folder, other)]
    # Their names tell how long they were to be trained.
    for row in (*rows[0], *rows[1]):
        del row["condition"]
    assert rows[0] == rows[1]


@pytest.mark.slow
def test_a_split_that_shares_speakers_is_followed_and_said_everywhere(run):
    folder, (out, err) = run("shared", SHARED, "--hold_out=split", pictures=True)
    shared = "1 of 2 test speakers"
    assert f"{shared} (s1); the corpus's own split is not" in err
    caution = f"Not speaker-independent: {shared} are also trained or validated on"
    page = report_page.Page((folder / "report.html").read_text())
    assert caution in out and caution in page.text
    (condition,) = summary(folder)["conditions"]
    speakers = {one["speaker"]: one for one in condition["speakers"]}
    assert {name: one["shared"] for name, one in speakers.items()} == {
        "s1": True,
        "s3": False,
    }
    header, row = page.tables["All conditions"]
    of_new = row[header.index("UA of new speakers")]
    assert of_new == percent(speakers["s3"]["ua"])
    # The certificate claims no more than is so.
    audit = json.loads((folder / "audit.json").read_text())["findings"]
    found = {of["check"]: of for of in audit}
    assert (found["train_speakers"]["level"], found["train_speakers"]["count"]) == (
        "warning",
        4,
    )
    assert all("no test speaker" not in of["text"] for of in audit)
    assert "no test utterance in" in found["given_rows"]["text"]
    # Without a training, too.
    _, (out, _) = run("dry", SHARED, "--hold_out=split", "--dry_run")
    assert f"note: {caution}" in out


@pytest.mark.slow
def test_named_speakers_are_a_split_that_flags_txt_repeats(run, tmp_path, capsys):
    names = tmp_path / "names.txt"
    names.write_text("s3\ns2\n")
    lists = f"--test_speakers=@{names}", "--validation_speakers=s1"
    folder, _ = run("named", PARTS, *lists)  # whatever the corpus publishes
    parts = "train", "validation", "test", "test"
    split = {speaker: (part,) for speaker, part in zip(PARTS, parts, strict=True)}
    other, _ = run("split", split, "--hold_out=split", "--validation=split")
    assert predictions(folder) == predictions(other)
    # The names are kept, not the file.
    flags = (folder / "flags.txt").read_text()
    assert "--test_speakers=s3,s2\n" in flags and "names.txt" not in flags
    names.write_text("s1\n")
    again = f"--flagfile={folder / 'flags.txt'}", f"--run_dir={tmp_path / 'again'}"
    assert launching.call(*again) == 0
    assert predictions(tmp_path / "again") == predictions(folder)
    # And a run of others is no run to go on with.
    capsys.readouterr()
    wrong = f"--run_dir={folder}", *lists[:1], "--validation_speakers=s0"
    assert launching.call(*again[:1], *wrong) == 2
    assert "holds a run of other flags" in capsys.readouterr().err


@pytest.mark.fault("protocol")
def test_a_name_that_no_speaker_has_is_wrong_use(train, capsys):
    assert train("--test_speakers=s3,s_2") == 2
    err = capsys.readouterr().err
    assert "'s_2': no speaker of the corpus, which has 4: did you mean s2" in err
    assert err.count("\n") == 1


def test_a_named_speaker_of_whom_nothing_is_left_is_noted():
    said = ("a", "angry"), ("a", "sad"), ("b", "bored"), ("c", "angry"), ("d", "sad")
    utterances = [Utterance(f"{s}{e}", Path(f"{s}{e}"), s, e) for s, e in said]
    settings = SimpleNamespace(
        test_corpus=None,
        emotions=emotions.parse("angry,sad"),
        hold_out="speaker",
        test_speakers=("a", "b"),
        validation_speakers=("c",),
    )
    chosen, _ = loading.select(settings, Corpus(utterances, []), bad={"cangry"})
    assert chosen.notes[-1] == "named, but without usable utterances: b, c"


@pytest.mark.parametrize("hold_out", ["split", "speaker"])
def test_a_part_of_the_split_of_which_nothing_is_left_is_noted(hold_out):
    said = ("train", "angry"), ("test1", "sad"), ("test2", "bored"), (None, "bored")
    utterances = [
        Utterance(f"{n}", Path(f"{n}"), f"{n}", emotion, split=split)
        for n, (split, emotion) in enumerate(said)
    ]
    settings = SimpleNamespace(
        test_corpus=None,
        emotions=emotions.parse("angry,sad"),
        hold_out=hold_out,
        test_speakers=None,
        validation_speakers=None,
    )
    chosen, _ = loading.select(settings, Corpus(utterances, []))
    lost = [note for note in chosen.notes if "split" in note]
    assert lost == ["split test2 has no usable utterances"] * (hold_out == "split")
