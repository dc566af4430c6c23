import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import fake_run
import pytest
from report_page import Page, markdown_tables

import launch
from launch import cli, report, reporting

ROOT = Path(launch.__file__).parents[1]
FIGURE_6 = (("mean", "uniform", 0.2), ("mean", "unigram", 0.2))
ONE = (("mean", "unigram", 0.2),)


def run(*words):
    return cli.run(
        report.main, report.define, report.read, report.__doc__, words, "RUN"
    )


def written(folders, output):
    html, markdown = reporting.write(folders, output)
    return html.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


def pages(folders, output):
    html, markdown = written(folders, output)
    return Page(html), markdown_tables(markdown)


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """A run of the whole paper: its folder, summary, page and Markdown."""
    folder = tmp_path_factory.mktemp("runs") / "paper"
    summary = fake_run.write(folder)
    return folder, summary, *written([folder], folder)


def percent(share):
    return f"{100 * share:.1f}"


def points(share):
    shown = f"{100 * share:+.1f}"
    return "0.0" if shown[1:] == "0.0" else shown.replace("-", "\N{MINUS SIGN}")


def test_the_conditions_are_those_of_the_summary(paper):
    _, summary, html, _ = paper
    header, *rows = Page(html).tables["All conditions"]
    assert header[-1] == "paper (IEMOCAP)"
    conditions = {one["name"]: one for one in summary["conditions"]}
    assert len(rows) == len(conditions) == 25
    published = {
        "final, no smoothing": "53.8",
        "mean, uniform 0.2": "61.4",
        "netvlad(clusters=4), unigram 0.2": "63.5",
    }
    for row in rows:
        one = conditions[row[0]]
        ua, wa = one["ua"], one["wa"]
        assert row[:7] == [
            one["name"],
            percent(ua["mean_of_folds"]),
            " to ".join(map(percent, ua["interval"])),
            percent(ua["std_over_seeds"]),
            percent(ua["pooled"]),
            percent(wa["mean_of_folds"]),
            percent(wa["pooled"]),
        ]
        assert row[7] == published.get(row[0], row[7])


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
    summary = fake_run.write(tmp_path)
    for family in summary["comparisons"]:
        if family["family"] == "Table 1":  # here the claims are: the reference is best
            for one, (difference, p) in zip(
                family["differences"],
                [(-0.1, 0.049), (0.1, 0.049), (-0.1, 0.05), (0.0, 1.0)],
                strict=True,
            ):
                one |= {"difference": difference, "p_holm": p}
    fake_run.dump(tmp_path / "summary.json", summary)
    rows = pages([tmp_path], tmp_path)[0].tables["The claims of the paper"]
    verdicts = [row[1:3] for row in rows if row[-1] == "Table 1"]
    assert verdicts == [
        ["supported", "+10.0"],
        ["contradicted", points(-0.1)],
        ["not distinguishable", "+10.0"],
        ["not distinguishable", "0.0"],
    ]


def test_markdown_holds_the_tables_of_the_page(paper):
    _, _, html, markdown = paper
    tables = Page(html).tables
    found = {
        caption: [[cell.lstrip("✓✗○! ") for cell in row] for row in rows]
        for caption, rows in markdown_tables(markdown).items()
    }
    assert found == tables and len(tables) > 8


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


def test_the_hardest_speaker_comes_first(paper):
    _, summary, html, _ = paper
    _, *rows = Page(html).tables["UA by speaker, the hardest first"]
    proposed = summary["conditions"][-1]
    ua = {one["speaker"]: percent(one["ua"]) for one in proposed["speakers"]}
    assert {row[0]: row[2] for row in rows} == ua
    medians = [float(row[4]) for row in rows]
    assert medians == sorted(medians)


def test_a_page_needs_nothing_else_and_is_small(paper):
    _, _, html, _ = paper
    page = Page(html)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert not re.search(r"https?:|@import|url\((?!#)", html.replace("www.w3.org", ""))
    assert len(html.encode()) < 600_000


def test_headings_are_in_order_and_ids_unique(paper, tmp_path):
    folder, _, one, _ = paper
    fake_run.write(tmp_path, [("mean", "none", 0.0), *FIGURE_6])
    two, _ = written([folder, tmp_path], tmp_path)
    three, _ = written([tmp_path], tmp_path)
    for html in (one, two, three):
        page = Page(html)
        assert len(page.ids) == len(set(page.ids))
        levels = [level for level, _ in page.headings]
        assert levels[0] == 1 and set(levels[1:]) == {2}
        assert '<html lang="en">' in html


def test_the_same_files_give_the_same_pages(paper, tmp_path):
    folder, _, html, markdown = paper
    assert written([folder], tmp_path / "again") == (html, markdown)


def test_the_flags_and_the_certificate_are_there(paper):
    _, _, html, markdown = paper
    assert fake_run.FLAGS.strip() in Page(html).text
    assert fake_run.FLAGS.strip() in markdown
    _, *rows = Page(html).tables["Protocol certificate"]
    assert [row[1] for row in rows] == ["warning", "passed", "passed"]
    assert rows[0][2] == "10 of 10 folds: sentences of the test are trained on"


def test_names_are_no_markup(tmp_path):
    name = "<b>&|`_*"
    fake_run.write(tmp_path, ONE, speakers=(name, "x"))
    summary = fake_run.write(tmp_path, speakers=(name, "x"))
    summary["conditions"][0]["name"] = "<i>final</i>"
    for family in summary["comparisons"]:
        for one in family["differences"]:
            if one["condition"] == "final, no smoothing":
                one["condition"] = "<i>final</i>"
    fake_run.dump(tmp_path / "summary.json", summary)
    page, tables = pages([tmp_path], tmp_path)
    assert not page.tags & {"b", "i"}
    for found in (page.tables, tables):
        speakers = found["UA by speaker, the hardest first"]
        assert name in [row[0] for row in speakers]
        assert found["All conditions"][1][0] == "<i>final</i>"


def test_sections_without_data_are_left_out(tmp_path):
    fake_run.write(tmp_path, ONE, speakers=("x",), seeds=(0,))
    for name in ("audit.json", "metrics.jsonl", "clusters.jsonl", "environment.json"):
        (tmp_path / name).unlink()
    fake_run.seal(tmp_path)
    page, _ = pages([tmp_path], tmp_path)
    headings = [text for level, text in page.headings if level == 2]
    assert headings == ["Conditions", "Confusions", "To repeat it", "How to read this"]
    header, row = page.tables["All conditions"]
    assert "sd over seeds" not in header and row[header.index("95 % interval")] == "–"  # noqa: RUF001


def test_too_few_speakers_are_said_for_each_family(tmp_path):
    fake_run.write(tmp_path, speakers=fake_run.SPEAKERS[:4])
    html, markdown = written([tmp_path], tmp_path)
    for text in (Page(html).text, markdown):
        # Of m comparisons: m * 2 ** (1 - 4).
        assert "With 4 speakers the smallest corrected p" in text
        assert "0.500 in Table 1, 0.875 in Figure 3, 1.000 in Figure 5" in text


def test_other_corpora_are_marked(tmp_path):
    fake_run.write(tmp_path, corpus="iemocap")
    page, _ = pages([tmp_path], tmp_path)
    assert page.tables["All conditions"][0][-1] == "paper"
    assert "another corpus" not in page.text


def test_skipped_utterances_are_listed(tmp_path):
    summary = fake_run.write(tmp_path, ONE)
    summary["skipped"] = [{"utterance": "03a01Fa", "reason": "03a01Fa.wav: 3 samples"}]
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = pages([tmp_path], tmp_path)
    assert page.tables["Utterances left out"][1] == [
        "03a01Fa",
        "03a01Fa.wav: 3 samples",
    ]


def test_several_runs_stand_side_by_side(tmp_path):
    many = fake_run.write(tmp_path / "a")
    few = fake_run.write(tmp_path / "b", fake_run.PAPER[:5], corpus="ravdess")
    page, tables = pages([tmp_path / "a", tmp_path / "b"], tmp_path / "both")
    header, *rows = page.tables["UA of all conditions"]
    assert header == ["condition", "emodb", "ravdess", "paper (IEMOCAP)"]
    for summary, column in ((many, 1), (few, 2)):
        expected = {
            one["name"]: f"{percent(one['ua']['mean_of_folds'])} "
            f"({' to '.join(map(percent, one['ua']['interval']))})"
            for one in summary["conditions"]
        }
        found = {row[0]: row[column] for row in rows if row[column] != "–"}  # noqa: RUF001
        assert found == expected
    assert tables["UA of all conditions"] == [header, *rows]


def test_runs_of_one_corpus_are_told_apart_by_folder(tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        fake_run.write(folder, ONE)
    page, _ = pages(folders, tmp_path)
    assert page.tables["UA of all conditions"][0][1:3] == ["emodb (a)", "emodb (b)"]


def test_the_program_says_where_the_report_is(tmp_path, capsys):
    fake_run.write(tmp_path / "a", ONE)
    assert run(str(tmp_path / "a")) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert paths == [tmp_path / "a" / "report.html", tmp_path / "a" / "report.md"]
    assert all(path.stat().st_size for path in paths)
    assert run(str(tmp_path / "a"), f"--output={tmp_path / 'new' / 'folder'}") == 0
    assert (tmp_path / "new" / "folder" / "report.html").exists()


def _broken(folder, name, text):
    fake_run.write(folder, ONE)
    (folder / name).write_text(text, encoding="utf-8")
    fake_run.seal(folder)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("summary.json", '{\n"format": 1,\n', "summary.json:3: damaged JSON"),
        ("summary.json", '{"format": 2}', "format 2: this version reads format 1"),
        ("summary.json", "{}", "format None"),
        ("summary.json", "[]", "should be an object"),
        ("summary.json", '{"format": 1}', "no 'corpus'"),
        ("metrics.jsonl", '{"condition": "x"\n', "metrics.jsonl:1: damaged JSON"),
        ("clusters.jsonl", "{}\n", "clusters.jsonl:1: no 'condition'"),
        ("audit.json", '{"format": 1, "findings": 3}', "findings: 3 should be a list"),
    ],
)
def test_a_damaged_run_is_one_line_and_status_2(tmp_path, capsys, name, text, said):
    _broken(tmp_path, name, text)
    assert run(str(tmp_path)) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and str(tmp_path) in error
    assert not (tmp_path / "report.html").exists()


def test_what_is_no_finished_run_is_one_line_and_status_2(tmp_path, capsys):
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "flags.txt").touch()
    (tmp_path / "other").mkdir()
    for words, said in [
        ((), "RUN is missing"),
        (("none",), "none: no such folder"),
        ((str(tmp_path / "begun"),), "has not finished"),
        ((str(tmp_path / "other"),), "not a run directory"),
        (("a", "b"), "--output is required for several runs"),
        (("a", "b", "./a"), "a is named twice"),
    ]:
        assert run(*words) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


def test_a_report_is_written_without_jax(paper, tmp_path):
    code = (
        "import sys, pathlib, launch.report as report; folder, to = sys.argv[1:]; "
        "report.reporting.write([pathlib.Path(folder)], pathlib.Path(to)); "
        "sys.exit('jax' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(paper[0]), str(tmp_path)]
    assert subprocess.run(command, cwd=ROOT).returncode == 0
