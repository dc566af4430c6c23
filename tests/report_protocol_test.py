"""What a report says of how a run was tested, and of what it has lost."""

import re

import fake_run
import pytest
from report_page import without_figures

THREE = (("mean", "none", 0.0), ("mean", "uniform", 0.2), ("mean", "unigram", 0.2))
ONE = THREE[2:]
SOME = (  # of each of the paper's tables and figures
    ("final", "none", 0.0),
    *THREE,
    ("netvlad(clusters=2)", "none", 0.0),
    ("netvlad(clusters=4)", "none", 0.0),
    ("netvlad(clusters=4)", "unigram", 0.2),
)


def set_flags(folder, **flags):
    lines = [line.partition("=") for line in fake_run.FLAGS.splitlines()]
    said = {name: value for name, _, value in lines} | {
        f"--{name}": value for name, value in flags.items()
    }
    text = "".join(f"{name}={value}\n" for name, value in said.items())
    (folder / "flags.txt").write_text(text, encoding="utf-8")
    fake_run.seal(folder)


@pytest.mark.parametrize(
    ("hold_out", "folds", "test_corpus", "says"),
    [
        ("speaker", 10, None, "10 test speakers, 10 folds (one speaker held out), 3"),
        ("session", 5, None, "10 test speakers, 5 folds (one session held out), 3"),
        ("split", 1, None, "the corpus's test split, 10 test speakers, 3 seeds"),
        ("speaker", 1, "savee", "trained on emodb, tested on savee, 10 test speakers"),
    ],
)
def test_the_subtitle_says_who_was_tested(tmp_path, hold_out, folds, test_corpus, says):
    summary = fake_run.write(tmp_path, ONE)
    summary["test_corpus"] = test_corpus
    del summary["conditions"][0]["folds"][folds:]
    fake_run.dump(tmp_path / "summary.json", summary)
    set_flags(tmp_path, hold_out=hold_out)
    without_figures([tmp_path], tmp_path)
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert says in re.sub(r"\\(.)", r"\1", markdown.splitlines()[2])


@pytest.mark.slow
def test_seeds_and_conditions_that_failed_are_said(tmp_path):
    summary = fake_run.write(tmp_path, THREE)
    assert (
        "seeds"
        not in without_figures([tmp_path], tmp_path)[0].tables["All conditions"][0]
    )
    summary["conditions"][1]["seeds"] = [0, 2]
    places = [("mean, uniform 0.2", 1, "03", 4, 7), ("gone", 0, "11", 1, 2)]
    keys = "condition", "seed", "fold", "epoch", "step"
    summary["failed"] = [dict(zip(keys, place, strict=True)) for place in places]
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    header, *rows = page.tables["All conditions"]
    found = {row[0]: row[header.index("seeds")] for row in rows}
    assert [*found.values()] == ["3", "2", "3"] and found["mean, uniform 0.2"] == "2"
    assert (
        "2 to 3 seeds" in page.text and "After 20 epochs and 2 seeds, of" in page.text
    )
    assert "over the seeds left in all conditions: 0 and 2." in page.text
    assert page.tables["Trainings that failed"] == [
        ["condition", "seed", "held out", "epoch", "step"],
        *([f"{value}" for value in place] for place in places),
    ]
    assert "In no table, since a training failed in every seed: gone." in page.text


@pytest.mark.slow
def test_other_corpora_are_marked(tmp_path):
    fake_run.write(tmp_path, SOME, corpus="iemocap")
    page, _ = without_figures([tmp_path], tmp_path)
    assert page.tables["All conditions"][0][-1] == "paper"
    assert not re.search("another corpus|other classes|cannot be compared", page.text)


@pytest.mark.slow
def test_other_classes_of_the_papers_corpus_are_marked(tmp_path):
    summary = fake_run.write(tmp_path, SOME, corpus="iemocap")
    summary["emotions"][1] = "excited"
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    assert "another corpus" not in page.text
    what = "angry, happy, sad and neutral, other classes than these"
    assert f"The paper's figures are of {what}." in page.text
    assert f"All but the last are of {what}, and cannot be compared" in page.text


def test_skipped_utterances_are_listed(tmp_path):
    summary = fake_run.write(tmp_path, ONE)
    summary["skipped"] = [{"utterance": "03a01Fa", "reason": "03a01Fa.wav: 3 samples"}]
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    assert page.tables["Utterances left out"][1] == [
        "03a01Fa",
        "03a01Fa.wav: 3 samples",
    ]
