"""What a report says of a run: its figures, how it was tested, what it lost."""

import json
from collections import defaultdict

import fake_run
import numpy as np
import pytest
import report_page
import scipy  # which imports scipy.stats when it is used
from report_page import Page, without_figures

from vladser.evaluation import comparisons, paper
from vladser.text import NONE, decimal, percent, points

ONE = (("mean", "unigram", 0.2),)
TABLE_1 = (*fake_run.PAPER[:4], ("netvlad(clusters=4)", "none", 0.0))
THREE = (("mean", "none", 0.0), ("mean", "uniform", 0.2), ("mean", "unigram", 0.2))
CLUSTERS = "Are clusters related to emotions more than before training?"


def ends(interval, form=percent):
    return " to ".join(map(form, interval))


def ua(condition):
    mean, interval = (condition["ua"][key] for key in ("mean_of_speakers", "interval"))
    return percent(mean), ends(interval)


@pytest.fixture(scope="module")
def whole(shared):
    """A run of the whole paper: its folder, summary and page."""
    folder, summary, html, _ = report_page.paper(shared)
    return folder, summary, Page(html)


@pytest.mark.slow
def test_the_conditions_are_those_of_the_summary(whole):
    _, summary, page = whole
    header, *rows = page.tables["All conditions"]
    assert header[5:8] == ["WA", "pooled WA", "macro F1"]
    assert header[8:] == ["pooled macro F1", "paper (IEMOCAP)"]
    conditions = {one["name"]: one for one in summary["conditions"]}
    assert len(rows) == len(conditions) == 25
    for row in rows:
        one = conditions[row[0]]
        f1 = one["metrics"]["macro_f1"]
        assert row == [
            one["name"],
            *ua(one),
            percent(one["ua"]["std_over_seeds"]),
            percent(one["ua"]["pooled"]),
            percent(one["wa"]["mean_of_folds"]),
            percent(one["wa"]["pooled"]),
            percent(f1["mean_of_folds"]),
            percent(f1["pooled"]),
            percent(paper.PUBLISHED.get(comparisons.condition(one))),
        ]


def test_an_interval_stands_beside_the_mean_over_speakers(tmp_path):
    run = tmp_path / "run"
    summary = fake_run.write(run, [*TABLE_1[2:], *ONE, fake_run.PAPER[-1]])
    for one in summary["conditions"]:
        one["ua"]["mean_of_folds"] += 0.03
    fake_run.dump(run / "summary.json", summary)
    page = without_figures(run)
    header, *rows = page.tables["All conditions"]
    assert header[1:4] == ["UA", "95 % interval", "UA by fold"]
    assert {row[0]: row[1:4] for row in rows} == {
        one["name"]: [*ua(one), percent(one["ua"]["mean_of_folds"])]
        for one in summary["conditions"]
    }
    proposed = summary["conditions"][-1]
    mean, interval = ua(proposed)
    beside = f"{mean} % (95 % interval {interval}"
    assert f"Unweighted accuracy {beside}" in page.text
    assert f"{proposed['name']} {mean}" in page.text  # of a figure


@pytest.mark.slow
def test_the_differences_are_those_of_the_summary(whole):
    _, summary, page = whole
    for family in summary["comparisons"]:
        caption = f"{family['family']}: differences from {family['reference']}"
        assert page.tables[caption][1:] == [
            [
                one["condition"],
                points(one["difference"]),
                ends(one["interval"], points),
                f"{one['p']:.3f}",
                f"{one['p_holm']:.3f}",
            ]
            for one in family["differences"]
        ]


def test_a_claim_is_judged_by_sign_and_corrected_p(tmp_path):
    run = tmp_path / "run"
    summary = fake_run.write(run, TABLE_1)
    (family,) = summary["comparisons"]  # here the claims are: the reference is best
    for one, (difference, p) in zip(
        family["differences"],
        [(-0.1, 0.049), (0.1, 0.049), (-0.1, 0.05), (0.0, 1.0)],
        strict=True,
    ):
        one |= {"difference": difference, "p_holm": p}
    fake_run.dump(run / "summary.json", summary)
    page = without_figures(run)
    _, *rows = page.tables["The claims of the paper"]
    assert [row[1:3] for row in rows] == [
        ["✓ supported", "+10.0"],
        ["✗ contradicted", points(-0.1)],
        ["○ not distinguishable", "+10.0"],
        ["○ not distinguishable", "0.0"],
    ]


@pytest.mark.slow
def test_clusters_are_judged_against_the_untrained_ones(whole):
    folder, _, page = whole
    found = defaultdict(lambda: defaultdict(list))
    for line in map(json.loads, (folder / "clusters.jsonl").read_text().splitlines()):
        pair = line["untrained_rand"], line["adjusted_rand"]
        found[line["condition"]][line["fold"]].append(pair)
    _, *rows = page.tables[CLUSTERS]
    assert {row[0] for row in rows} == {name for name in found if "=1)" not in name}
    for name, untrained, trained, gain, interval, p, verdict in rows:
        means = np.mean([*found[name].values()], axis=1)  # [folds, 2]
        test = scipy.stats.ttest_1samp(means[:, 1] - means[:, 0], 0)
        before, after = means.mean(axis=0)
        assert [untrained, trained, gain] == [
            *map(decimal, (before, after, after - before))
        ]
        assert interval == ends(test.confidence_interval(), decimal)
        below = float(p.replace("<", "")) < 0.05
        assert verdict == ("✓ supported" if below else "○ not distinguishable")


@pytest.mark.slow
def test_the_hardest_speaker_comes_first(whole):
    _, summary, page = whole
    _, *rows = page.tables["UA by speaker, the hardest first"]
    speakers = summary["conditions"][-1]["speakers"]  # of the proposed system
    assert {row[0]: row[2] for row in rows} == {
        one["speaker"]: percent(one["ua"]) for one in speakers
    }
    shares = [float(row[2]) for row in rows]
    assert shares == sorted(shares)


@pytest.mark.slow
def test_too_few_speakers_are_said_for_each_family(tmp_path):
    run = tmp_path / "run"
    fake_run.write(run, speakers=fake_run.SPEAKERS[:4])
    page = without_figures(run)
    # Of m comparisons: m * 2 ** (1 - 4).
    assert "With 4 speakers the smallest corrected p" in page.text
    assert "0.500 in Table 1, 0.875 in Figure 3, 1.000 in Figure 5" in page.text
    assert "With 4 folds the smallest p that can occur is 0.125" in page.text


def test_several_runs_stand_side_by_side(tmp_path):
    folders = tmp_path / "a", tmp_path / "b"
    many = fake_run.write(folders[0], fake_run.PAPER[2:10])
    few = fake_run.write(folders[1], fake_run.PAPER[:5], corpus="ravdess")
    page = without_figures(*folders)
    header, *rows = page.tables["UA of all conditions"]
    assert header == ["condition", "emodb", "ravdess", "paper (IEMOCAP)"]
    for summary, column in ((many, 1), (few, 2)):
        found = {row[0]: row[column] for row in rows if row[column] != NONE}
        assert found == {
            one["name"]: "{} ({})".format(*ua(one)) for one in summary["conditions"]
        }
    headings = [text for level, text in page.headings if level == 2]
    assert headings[:2] == ["What the paper claims", "Conditions"]
    # Of one corpus: told apart by their folders; other settings are other conditions.
    short = fake_run.write(folders[1], ONE)
    short["conditions"][0]["epochs"] = 20
    fake_run.dump(folders[1] / "summary.json", short)
    sets = [{"feature_set": name, "frames": 900} for name in ("a/1", "b/2")]
    fake_run.dump(folders[1] / "dataset.json", {"feature_sets": sets})
    tables = without_figures(*folders).tables
    header, *rows = tables["UA of all conditions"]
    assert header[1:3] == [f"emodb ({folder})" for folder in folders]
    assert [row[0] for row in rows if row[2] != NONE] == [
        "mean, unigram 0.2, epochs 20"
    ]
    assert {row[0]: row[2] for row in rows}["mean, no smoothing, epochs 50"] == NONE
    header, _, second = (row[-2] for row in tables["The runs"])
    assert (header, second) == ("features", "a/1, b/2")


def test_test_parts_of_a_run_stand_side_by_side(tmp_path):
    run = tmp_path / "run"
    summary = fake_run.write(run, TABLE_1)
    better = json.loads(json.dumps(summary))
    for one in better["conditions"]:
        one["ua"]["mean_of_speakers"] += 0.1
        del one["speakers"][1:]
    for of, part in (summary, "test1"), (better, "test2"):
        for one in (*of["conditions"], *of["comparisons"]):
            one["part"] = part
    both = {k: summary[k] + better[k] for k in ("conditions", "comparisons")}
    fake_run.dump(run / "summary.json", summary | both)
    page = without_figures(run)
    header, *rows = page.tables["UA of all conditions"]
    assert header == ["condition", "test1", "test2", "paper (IEMOCAP)"]
    expected = {
        one["name"]: ["{} ({})".format(*ua(of)) for of in (one, other)]
        for one, other in zip(
            *(s["conditions"] for s in (summary, better)), strict=True
        )
    }
    assert {row[0]: row[1:3] for row in rows} == expected
    for part in "test1", "test2":
        assert f"All conditions, {part}" in page.tables
        assert f"Unweighted accuracy on {part} " in page.text
    assert "10 test speakers" in page.text and "1 test speaker," in page.text
    # Beside other runs, a part is like a run of its own.
    fake_run.write(tmp_path / "other", ONE)
    header, *_ = without_figures(run, tmp_path / "other").tables["UA of all conditions"]
    labels = ["emodb, test1", "emodb, test2", "emodb"]
    assert header == ["condition", *labels, "paper (IEMOCAP)"]


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
    run = tmp_path / "run"
    summary = fake_run.write(run, ONE)
    summary["test_corpus"] = test_corpus
    del summary["conditions"][0]["folds"][folds:]
    flags = fake_run.FLAGS.replace("hold_out=speaker", f"hold_out={hold_out}")
    (run / "flags.txt").write_text(flags, encoding="utf-8")
    fake_run.dump(run / "summary.json", summary)
    assert says in without_figures(run).text


@pytest.mark.slow
def test_what_was_skipped_and_what_failed_is_said(tmp_path):
    run = tmp_path / "run"
    summary = fake_run.write(run, THREE)
    assert "seeds" not in without_figures(run).tables["All conditions"][0]
    summary["conditions"][1]["seeds"] = [0, 2]
    places = [("mean, uniform 0.2", 1, "03", 4, 7), ("gone", 0, "11", 1, 2)]
    keys = "condition", "seed", "fold", "epoch", "step"
    summary["failed"] = [dict(zip(keys, place, strict=True)) for place in places]
    summary["skipped"] = [{"utterance": "03a01Fa", "reason": "03a01Fa.wav: 3 samples"}]
    fake_run.dump(run / "summary.json", summary)
    page = without_figures(run)
    assert [row[:2] for row in page.tables["All conditions"]] == [
        ["condition", "seeds"],
        ["mean, no smoothing", "3"],
        ["mean, uniform 0.2", "2"],
        ["mean, unigram 0.2", "3"],
    ]
    for said in (
        "2 to 3 seeds",
        "over the seeds left in all conditions: 0, 2.",
    ):
        assert said in page.text
    assert page.tables["Trainings that failed"] == [
        [*keys],
        *([f"{value}" for value in place] for place in places),
    ]
    _, skipped = page.tables["Utterances left out"]
    assert skipped == ["03a01Fa", "03a01Fa.wav: 3 samples"]


@pytest.mark.slow
def test_other_classes_of_the_papers_corpus_are_marked(tmp_path):
    run, note = tmp_path / "run", "The paper's figures are of other data"
    summary = fake_run.write(run, fake_run.PAPER[2:], corpus="iemocap")
    assert note not in without_figures(run).text
    summary["emotions"][1] = "excited"
    fake_run.dump(run / "summary.json", summary)
    assert note in without_figures(run).text
