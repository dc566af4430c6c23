"""What a report says of a run: its figures, how it was tested, what it lost."""

import json
import re
from collections import defaultdict
from itertools import pairwise, product

import fake_run
import numpy as np
import pytest
import report_page
import scipy  # which imports scipy.stats when it is used
from report_page import Page, without_figures

from vladser.text import NONE, percent, points

ONE = (("mean", "unigram", 0.2),)
TABLE_1 = (*fake_run.PAPER[:4], ("netvlad(clusters=4)", "none", 0.0))
THREE = (("mean", "none", 0.0), ("mean", "uniform", 0.2), ("mean", "unigram", 0.2))
SOME = (  # of each of the paper's tables and figures
    ("final", "none", 0.0),
    *THREE,
    ("netvlad(clusters=2)", "none", 0.0),
    ("netvlad(clusters=4)", "none", 0.0),
    ("netvlad(clusters=4)", "unigram", 0.2),
)
PUBLISHED = {  # Tables 1 and 2 of the paper, and the text on its Figure 5
    "final, no smoothing": "53.8",
    "maximum, no smoothing": "56.8",
    "mean, no smoothing": "59.6",
    "weighted, no smoothing": "60.3",
    "netvlad(clusters=4), no smoothing": "62.6",
    "mean, uniform 0.2": "61.4",
    "mean, unigram 0.2": "62.0",
    "netvlad(clusters=4), unigram 0.2": "63.5",
}


@pytest.fixture(scope="module")
def paper(shared):
    """A run of the whole paper: its folder, summary, page and Markdown."""
    return report_page.paper(shared)


@pytest.mark.slow
def test_the_conditions_are_those_of_the_summary(paper):
    _, summary, html, _ = paper
    header, *rows = Page(html).tables["All conditions"]
    assert header[5:8] == ["WA", "pooled WA", "macro F1"]
    assert header[8:] == ["pooled macro F1", "paper (IEMOCAP)"]
    conditions = {one["name"]: one for one in summary["conditions"]}
    assert len(rows) == len(conditions) == 25
    for row in rows:
        one = conditions[row[0]]
        ua, wa = one["ua"], one["wa"]
        f1 = one["metrics"]["macro_f1"]
        assert row == [
            one["name"],
            percent(ua["mean_of_speakers"]),
            " to ".join(map(percent, ua["interval"])),
            percent(ua["std_over_seeds"]),
            percent(ua["pooled"]),
            percent(wa["mean_of_folds"]),
            percent(wa["pooled"]),
            percent(f1["mean_of_folds"]),
            percent(f1["pooled"]),
            PUBLISHED.get(row[0], NONE),
        ]


def test_an_interval_stands_beside_the_mean_over_speakers(tmp_path):
    summary = fake_run.write(tmp_path, [*TABLE_1[2:], *ONE, fake_run.PAPER[-1]])
    for one in summary["conditions"]:
        one["ua"]["mean_of_folds"] += 0.03
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    header, *rows = page.tables["All conditions"]
    assert header[1:4] == ["UA", "95 % interval", "UA by fold"]
    ua = {one["name"]: one["ua"] for one in summary["conditions"]}
    for name, mean, interval, by_fold, *_ in rows:
        assert mean == percent(ua[name]["mean_of_speakers"])
        assert interval == " to ".join(map(percent, ua[name]["interval"]))
        assert by_fold == percent(ua[name]["mean_of_folds"])
    proposed = summary["conditions"][-1]["ua"]
    beside = "{}\xa0% (95\xa0% interval {} to {}".format(
        *map(percent, [proposed["mean_of_speakers"], *proposed["interval"]])
    )
    assert f"Unweighted accuracy {beside}" in page.text
    name = summary["conditions"][-1]["name"]
    assert f"{name} {percent(proposed['mean_of_speakers'])}" in page.text  # of a figure


@pytest.mark.slow
def test_the_differences_are_those_of_the_summary(paper):
    _, summary, html, _ = paper
    tables = Page(html).tables
    for family in summary["comparisons"]:
        caption = f"{family['family']}: differences from {family['reference']}"
        assert tables[caption][1:] == [
            [
                one["condition"],
                points(one["difference"]),
                " to ".join(map(points, one["interval"])),
                f"{one['p']:.3f}",
                f"{one['p_holm']:.3f}",
            ]
            for one in family["differences"]
        ]


def test_a_claim_is_judged_by_sign_and_corrected_p(tmp_path):
    summary = fake_run.write(tmp_path, TABLE_1)
    for family in summary["comparisons"]:
        if family["family"] == "Table 1":  # here the claims are: the reference is best
            for one, (difference, p) in zip(
                family["differences"],
                [(-0.1, 0.049), (0.1, 0.049), (-0.1, 0.05), (0.0, 1.0)],
                strict=True,
            ):
                one |= {"difference": difference, "p_holm": p}
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    rows = page.tables["The claims of the paper"]
    verdicts = [row[1:3] for row in rows if row[-1] == "Table 1"]
    assert verdicts == [
        ["✓ supported", "+10.0"],
        ["✗ contradicted", points(-0.1)],
        ["○ not distinguishable", "+10.0"],
        ["○ not distinguishable", "0.0"],
    ]


@pytest.mark.slow
def test_the_claims_are_counted_with_their_budget(paper):
    page = Page(paper[2])
    assert "After 20 epochs and 3 seeds, of 17 claims of the paper: " in page.text
    assert len(page.tables["The claims of the paper"]) == 1 + 17


@pytest.mark.slow
def test_clusters_are_judged_against_the_untrained_ones(paper):
    folder, _, html, _ = paper
    found = defaultdict(lambda: defaultdict(list))
    for line in (folder / "clusters.jsonl").read_text().splitlines():
        line = json.loads(line)
        pair = line["untrained_rand"], line["adjusted_rand"]
        found[line["condition"]][line["fold"]].append(pair)
    title = "Are clusters related to emotions more than before training?"
    _, *rows = Page(html).tables[title]
    assert {row[0] for row in rows} == {name for name in found if "=1)" not in name}
    for name, *cells, verdict in rows:
        untrained, trained = np.transpose(
            [np.mean(pairs, axis=0) for pairs in found[name].values()]
        )
        gain = trained - untrained
        bounds = scipy.stats.ttest_1samp(gain, 0).confidence_interval()
        flips = np.array([*product((-1, 1), repeat=len(gain))]) @ gain
        p = np.mean(np.abs(flips) >= abs(gain.sum()) - 1e-12)
        shown = [f"{x:.2f}" for x in (untrained.mean(), trained.mean(), gain.mean())]
        shown += [" to ".join(f"{x:.2f}" for x in bounds), f"{max(p, 0.001):.3f}"]
        shown = [cell.replace("-", "\N{MINUS SIGN}") for cell in shown]
        assert [cell.replace("<", "") for cell in cells] == shown
        assert verdict == ("✓ supported" if p < 0.05 else "○ not distinguishable")


def test_clusters_of_one_fold_have_no_verdict(tmp_path):
    fake_run.write(tmp_path, [("netvlad(clusters=4)", "none", 0.0)], speakers=("x",))
    page, _ = without_figures([tmp_path], tmp_path)
    title = "Are clusters related to emotions more than before training?"
    header, row = page.tables[title]
    assert header == ["condition", "untrained", "trained", "difference"]
    assert len(row) == 4 and "Clusters are related" not in page.text


@pytest.mark.slow
def test_conditions_of_a_pooling_stand_together_by_number(paper):
    _, _, html, _ = paper
    names = [row[0] for row in Page(html).tables["All conditions"][1:]]
    ks = [
        int(name.partition("=")[2].partition(")")[0]) for name in names if "=" in name
    ]
    assert ks == [1, 2, 3, 4, 4, 5, 6, 8, 16]
    poolings = [name.partition(",")[0].partition("(")[0] for name in names]
    changes = sum(a != b for a, b in pairwise(poolings))
    assert changes == len(set(poolings)) - 1


@pytest.mark.slow
def test_the_hardest_speaker_comes_first(paper):
    _, summary, html, _ = paper
    _, *rows = Page(html).tables["UA by speaker, the hardest first"]
    proposed = summary["conditions"][-1]
    ua = {one["speaker"]: percent(one["ua"]) for one in proposed["speakers"]}
    assert {row[0]: row[2] for row in rows} == ua
    medians = [float(row[4]) for row in rows]
    assert medians == sorted(medians)


@pytest.mark.slow
def test_too_few_speakers_are_said_for_each_family(tmp_path):
    fake_run.write(tmp_path, speakers=fake_run.SPEAKERS[:4])
    page, _ = without_figures([tmp_path], tmp_path)
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    for text in (page.text, markdown):
        # Of m comparisons: m * 2 ** (1 - 4).
        assert "With 4 speakers the smallest corrected p" in text
        assert "With 4 folds the smallest p that can occur is 0.125" in text
        assert "0.500 in Table 1, 0.875 in Figure 3, 1.000 in Figure 5" in text


def test_several_runs_stand_side_by_side(tmp_path):
    many = fake_run.write(tmp_path / "a", fake_run.PAPER[2:10])
    few = fake_run.write(tmp_path / "b", fake_run.PAPER[:5], corpus="ravdess")
    page, tables = without_figures([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    header, *rows = page.tables["UA of all conditions"]
    assert header == ["condition", "emodb", "ravdess", "paper (IEMOCAP)"]
    for summary, column in ((many, 1), (few, 2)):
        expected = {
            one["name"]: f"{percent(one['ua']['mean_of_speakers'])} "
            f"({' to '.join(map(percent, one['ua']['interval']))})"
            for one in summary["conditions"]
        }
        found = {row[0]: row[column] for row in rows if row[column] != NONE}
        assert found == expected
    assert tables["UA of all conditions"] == [header, *rows]


def test_runs_of_one_corpus_are_told_apart_by_folder(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        fake_run.write(folder, ONE)
    page, _ = without_figures(folders, tmp_path)
    assert page.tables["UA of all conditions"][0][1:3] == ["emodb (a)", "emodb (b)"]


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
@pytest.mark.parametrize("other", [False, True])
def test_other_classes_of_the_papers_corpus_are_marked(tmp_path, other):
    summary = fake_run.write(tmp_path, SOME, corpus="iemocap")
    summary["emotions"][1] = "excited" if other else "happy"
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    assert page.tables["All conditions"][0][-1] == "paper"
    assert "another corpus" not in page.text
    classes = "angry, happy, sad and neutral, other classes than these"
    assert (f"The paper's figures are of {classes}." in page.text) == other
    said = f"All but the last are of {classes}, and cannot be compared"
    assert (said in page.text) == other


def test_skipped_utterances_are_listed(tmp_path):
    summary = fake_run.write(tmp_path, ONE)
    summary["skipped"] = [{"utterance": "03a01Fa", "reason": "03a01Fa.wav: 3 samples"}]
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = without_figures([tmp_path], tmp_path)
    assert page.tables["Utterances left out"][1] == [
        "03a01Fa",
        "03a01Fa.wav: 3 samples",
    ]
