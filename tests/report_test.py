"""The report as a program and as a page, whatever it says."""

import json
import re
from pathlib import Path

import fake_run
import pytest
import report_page
from report_page import Page, markdown_tables, pages, without_figures

from launch import report
from launch.command_line import cli
from vladser.text import percent

RUN_FORMAT_1 = Path(__file__).parent / "data" / "run_format1"
ONE = (("mean", "unigram", 0.2),)


def run(*words):
    return cli.run(report.main, report.Settings, report.__doc__, [*map(str, words)])


@pytest.mark.slow
def test_a_page_is_small_complete_and_well_formed(shared):
    _, _, html, markdown = report_page.paper(shared)
    page = Page(html)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"https?:|@import|url\((?!#)", html.replace("www.w3.org", ""))
    assert len(html.encode()) < 600_000
    levels = [level for level, _ in page.headings]
    assert levels[0] == 1 and set(levels[1:]) == {2}
    assert '<html lang="en">' in html
    assert len(page.tables) > 8 and markdown_tables(markdown) == page.tables
    for text in (page.text, markdown):
        assert fake_run.FLAGS.strip() in text
    _, *rows = page.tables["Protocol certificate"]
    results = ["! warning", "✓ passed", "✓ passed", "○ noted"]
    assert [row[1] for row in rows] == results
    assert rows[0][2] == "10 of 10 folds: sentences of the test are trained on"


@pytest.mark.slow
def test_names_are_no_markup(tmp_path):
    name = "<b>&|`_*"
    summary = fake_run.write(tmp_path, fake_run.PAPER[:1], speakers=(name, "x"))
    summary["conditions"][0]["name"] = "<i>final</i>"
    fake_run.dump(tmp_path / "summary.json", summary)
    page, tables = pages([tmp_path], tmp_path)
    assert not page.tags & {"b", "i"}
    for found in (page.tables, tables):
        speakers = found["UA by speaker, the hardest first"]
        assert name in [row[0] for row in speakers]
        assert found["All conditions"][1][0] == "<i>final</i>"


@pytest.mark.parametrize(
    ("kind", "note"),
    [("gpu: H100", ""), ("cpu: cpu", "; devices of several kinds, which differ in ")],
)
def test_it_says_which_machine_trained_what(tmp_path, kind, note):
    summary = fake_run.write(tmp_path, ONE)
    summary["training"]["machines"] = [
        {"host": "a", "devices": ["gpu: H100"] * 8, "trainings": 1200},
        {"host": "b", "devices": [kind], "trainings": 30},
    ]
    fake_run.dump(tmp_path / "summary.json", summary)
    page, _ = pages([tmp_path], tmp_path)
    facts = dict(page.tables["Data, environment and cost"][1:])
    said = f"a (8 x gpu: H100): 1,200, b (1 x {kind}): 30{note}"
    assert facts["trainings by machine"].startswith(said)


def test_sections_and_columns_without_data_are_left_out(tmp_path):
    fake_run.write(tmp_path, ONE, speakers=("x",), seeds=(0,))
    for name in ("audit.json", "metrics.jsonl", "clusters.jsonl", "environment.json"):
        (tmp_path / name).unlink()
    fake_run.seal(tmp_path)
    page, _ = pages([tmp_path], tmp_path)
    headings = [text for level, text in page.headings if level == 2]
    assert headings == ["Conditions", "Confusions", "To repeat it", "How to read this"]
    header, _ = page.tables["All conditions"]
    assert header[:4] == ["condition", "UA", "pooled UA", "WA"]


def test_a_run_of_format_1_is_read_as_before(tmp_path):
    """The run was written before there was a table of metrics."""
    page, _ = pages([RUN_FORMAT_1], tmp_path)
    header, *rows = page.tables["All conditions"]
    assert header[-2:] == ["WA", "pooled WA"]
    summary = json.loads((RUN_FORMAT_1 / "summary.json").read_text(encoding="utf-8"))
    assert {row[0]: row[1] for row in rows} == {
        one["name"]: percent(one["ua"]["mean_of_speakers"])
        for one in summary["conditions"]
    }
    assert "UA by speaker, the hardest first" in page.tables
    assert any(caption.startswith("Are clusters related") for caption in page.tables)


def test_unknown_fields_are_ignored_and_missing_ones_have_defaults(tmp_path):
    run = tmp_path / "run"
    summary = fake_run.write(run, ONE)
    before = without_figures(run)
    # Other settings of a condition are missing already.
    for name in ("test_corpus", "comparisons", "skipped", "failed"):
        assert not summary.pop(name)
    summary["conditions"][0] |= {"cells": 64, "noise": 0.01, "dropout": 0.5}
    summary["unknown"] = summary["conditions"][0]["unknown"] = ["?"]
    fake_run.dump(run / "summary.json", summary)
    assert without_figures(run).text == before.text


def test_the_program_says_where_the_report_is(tmp_path, capsys):
    fake_run.write(tmp_path / "a", ONE)
    assert run(tmp_path / "a") == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert paths == [tmp_path / "a" / "report.html", tmp_path / "a" / "report.md"]
    assert all(path.stat().st_size for path in paths)
    assert run(tmp_path / "a", f"--output={tmp_path / 'new' / 'folder'}") == 0
    moved = tmp_path / "new" / "folder" / "report.html"
    assert f"--flagfile={tmp_path / 'a' / 'flags.txt'}" in moved.read_text()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("summary.json", '{"format": 2}', "summary.json: expected format 1, got 2"),
        ("summary.json", '{"format": 1}', "another version: KeyError: 'emotions'"),
        (
            "summary.json",
            '{"emotions": [], "conditions": []}',
            "summary.json: no condition was trained to its end",
        ),
        ("metrics.jsonl", '{"condition": "x"\n', "metrics.jsonl: damaged or of"),
        ("flags.txt", "--epochs=x\n", "ValueError: invalid literal for int()"),
    ],
)
def test_a_damaged_run_is_one_line_and_status_2(tmp_path, capsys, name, text, said):
    fake_run.write(tmp_path, ONE)
    (tmp_path / name).write_text(text, encoding="utf-8")
    fake_run.seal(tmp_path)
    assert run(tmp_path) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and str(tmp_path) in error
    assert not (tmp_path / "report.html").exists()


def test_what_is_no_finished_run_is_one_line_and_status_2(tmp_path, capsys):
    for name in "begun", "other":
        (tmp_path / name).mkdir()
    (tmp_path / "begun" / "flags.txt").touch()
    for words, said in [
        ((), "RUN is missing"),
        (("none",), "none: not a run directory"),
        ((tmp_path / "begun",), "has not finished"),
        ((tmp_path / "other",), "not a run directory"),
        (("a", "b"), "--output is required for several runs"),
    ]:
        assert run(*words) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
