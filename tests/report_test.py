import json
import re
import subprocess
import sys
from pathlib import Path

import fake_run
import pytest
import report_page
from report_page import Page, markdown_tables, pages, written

import launch
from launch import report
from launch.command_line import cli
from launch.reporting import runs
from vladser.errors import InputError

ROOT = Path(launch.__file__).parents[1]
RUN_FORMAT_1 = Path(__file__).parent / "data" / "run_format1"
FIGURE_6 = (("mean", "uniform", 0.2), ("mean", "unigram", 0.2))
ONE = (("mean", "unigram", 0.2),)
NONE = "–"  # noqa: RUF001


def run(*words):
    return cli.run(report.main, report.Settings, report.__doc__, words)


@pytest.fixture(scope="module")
def paper(shared):
    """A run of the whole paper: its folder, summary, page and Markdown."""
    return report_page.paper(shared)


@pytest.mark.slow
def test_markdown_holds_the_tables_of_the_page(paper):
    _, _, html, markdown = paper
    tables = Page(html).tables
    assert markdown_tables(markdown) == tables and len(tables) > 8


@pytest.mark.slow
def test_a_page_needs_nothing_else_and_is_small(paper):
    _, _, html, _ = paper
    page = Page(html)
    assert not page.tags & {"script", "link", "img", "iframe", "object", "embed"}
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert not re.search(r"https?:|@import|url\((?!#)", html.replace("www.w3.org", ""))
    assert len(html.encode()) < 600_000


@pytest.mark.slow
def test_headings_are_in_order_and_ids_unique(paper, tmp_path):
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        fake_run.write(folder, [("mean", "none", 0.0), *FIGURE_6])
    one, _ = written(folders[:1], folders[0])
    both, _ = written(folders, tmp_path)
    for html in (paper[2], one, both):
        page = Page(html)
        assert len(page.ids) == len(set(page.ids))
        levels = [level for level, _ in page.headings]
        assert levels[0] == 1 and set(levels[1:]) == {2}
        assert '<html lang="en">' in html


@pytest.mark.slow
def test_the_same_files_give_the_same_pages(tmp_path):
    fake_run.write(tmp_path, [("netvlad(clusters=4)", "none", 0.0)])
    first = written([tmp_path], tmp_path)
    assert written([tmp_path], tmp_path / "again") == first


@pytest.mark.slow
def test_the_flags_and_the_certificate_are_there(paper):
    _, _, html, markdown = paper
    assert fake_run.FLAGS.strip() in Page(html).text
    assert fake_run.FLAGS.strip() in markdown
    _, *rows = Page(html).tables["Protocol certificate"]
    assert [row[1] for row in rows] == ["! warning", "✓ passed", "✓ passed"]
    assert rows[0][2] == "10 of 10 folds: sentences of the test are trained on"


@pytest.mark.slow
def test_names_are_no_markup(tmp_path):
    name = "<b>&|`_*"
    conditions = fake_run.PAPER[0], ("netvlad(clusters=4)", "none", 0.0)
    summary = fake_run.write(tmp_path, conditions, speakers=(name, "x"))
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
    assert "sd over seeds" not in header and row[header.index("95 % interval")] == NONE


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda conditions: conditions.clear(), "no condition was trained to its end"),
        (lambda conditions: conditions.append(conditions[0]), "got one twice"),
        (lambda conditions: conditions[1]["speakers"].pop(), "the same test speakers"),
        (lambda conditions: conditions[0]["confusion"].pop(), "cannot reshape"),
    ],
)
def test_what_would_show_wrong_in_silence_is_refused(tmp_path, spoil, said):
    summary = fake_run.write(tmp_path, fake_run.PAPER[:2], speakers=("x", "y"))
    spoil(summary["conditions"])
    fake_run.dump(tmp_path / "summary.json", summary)
    with pytest.raises(InputError, match=rf"summary\.json: .*{said}"):
        runs.read(tmp_path)


def test_a_run_of_format_1_is_read_as_before(tmp_path):
    """The run was written before there was a table of metrics."""
    page, _ = pages([RUN_FORMAT_1], tmp_path)
    header, *rows = page.tables["All conditions"]
    assert header[-2:] == ["WA", "pooled WA"]
    summary = json.loads((RUN_FORMAT_1 / "summary.json").read_text(encoding="utf-8"))
    ua = {one["name"]: one["ua"]["mean_of_speakers"] for one in summary["conditions"]}
    assert {row[0]: row[1] for row in rows} == {
        name: f"{100 * share:.1f}" for name, share in ua.items()
    }
    assert "UA by speaker, the hardest first" in page.tables
    assert any(caption.startswith("Are clusters related") for caption in page.tables)


def test_unknown_fields_are_ignored_and_missing_ones_have_defaults(tmp_path):
    summary = fake_run.write(tmp_path, ONE)
    before = pages([tmp_path], tmp_path / "before")
    # Other settings of a condition are missing already.
    for name in ("test_corpus", "comparisons", "skipped", "failed"):
        assert not summary.pop(name)
    summary["conditions"][0] |= {"cells": 64, "noise": 0.01, "dropout": 0.5}
    summary["unknown"] = summary["conditions"][0]["unknown"] = ["?"]
    fake_run.dump(tmp_path / "summary.json", summary)
    after = pages([tmp_path], tmp_path / "after")
    assert after[1] == before[1] and after[0].text == before[0].text


def test_the_program_says_where_the_report_is(tmp_path, capsys):
    fake_run.write(tmp_path / "a", ONE)
    assert run(str(tmp_path / "a")) == 0
    paths = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert paths == [tmp_path / "a" / "report.html", tmp_path / "a" / "report.md"]
    assert all(path.stat().st_size for path in paths)
    assert run(str(tmp_path / "a"), f"--output={tmp_path / 'new' / 'folder'}") == 0
    moved = tmp_path / "new" / "folder" / "report.html"
    assert f"--flagfile={tmp_path / 'a' / 'flags.txt'}" in moved.read_text()


def _broken(folder, name, text):
    fake_run.write(folder, ONE)
    (folder / name).write_text(text, encoding="utf-8")
    fake_run.seal(folder)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("summary.json", '{"format": 1,\n', "summary.json: damaged or of another"),
        ("summary.json", '{"format": 2}', "summary.json: expected format 1, got 2"),
        ("summary.json", '{"format": 1}', "another version: KeyError: 'emotions'"),
        ("metrics.jsonl", '{"condition": "x"\n', "metrics.jsonl: damaged or of"),
        ("clusters.jsonl", "{}\n", "another version: KeyError: 'condition'"),
        ("audit.json", '{"findings": [{"check": "x"}]}', "KeyError: 'level'"),
        ("flags.txt", "--epochs=x\n", "ValueError: invalid literal for int()"),
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
        (("none",), "none: expected a run directory, got no folder"),
        ((str(tmp_path / "begun"),), "has not finished"),
        ((str(tmp_path / "other"),), "not a run directory"),
        (("a", "b"), "--output is required for several runs"),
        (("a", "b", "./a"), "a is named twice"),
    ]:
        assert run(*words) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1


@pytest.mark.slow
def test_a_report_is_written_without_jax(tmp_path):
    fake_run.write(tmp_path, ONE)
    code = (
        "import sys, pathlib, launch.report as report; folder, to = sys.argv[1:]; "
        "report.writing.write([pathlib.Path(folder)], pathlib.Path(to)); "
        "sys.exit('jax' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(tmp_path / "to")]
    assert subprocess.run(command, cwd=ROOT).returncode == 0
