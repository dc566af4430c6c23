"""How the launcher says no: one line, the right status, no traceback."""

import json
import subprocess
import sys
from functools import partial

import launching
import pytest
from launching import SMALL


@pytest.fixture
def call(corpus, tmp_path):
    folder = f"--run_dir={tmp_path / 'run'}"
    return partial(launching.call, *corpus, *SMALL, folder)


def test_a_folder_with_results_is_refused(call, tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "summary.json").touch()
    assert call() == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and "run is not empty (summary.json)" in err


@pytest.mark.slow
def test_bad_audio_stops_after_all_of_it_is_listed(call, tmp_path, capsys):
    file = launching.write_corpus(tmp_path / "damaged")
    bad = launching.damage(file)
    assert call(f"--data_dir={file}", "--workers=1") == 1
    out, err = capsys.readouterr()
    listed = [line for line in err.splitlines() if line.startswith("bad audio: ")]
    reasons = ("is not audio", "No such file", "has 160 samples")
    for line, name, reason in zip(listed, bad, reasons, strict=True):
        assert name in line and reason in line
    assert not out and "Traceback" not in err
    assert "error: 3 of 32 utterances have no usable audio" in err.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow")  # what float32 cannot hold becomes inf
@pytest.mark.parametrize(
    ("grid", "name"),
    [
        ("noise=0.01,3e38", "noise 3e+38"),
        ("learning_rate=1,1e39", "learning rate 1e+39"),
    ],
)
def test_trainings_that_diverge_are_named_and_the_others_go_on(
    call, grid, name, tmp_path, capsys
):
    assert call(f"--grid={grid}", pictures=True) == 1
    out, err = capsys.readouterr()
    *_, first, last = err.splitlines()
    assert first.startswith(f"failed: mean, unigram 0.2, cells 4, {name}, seed 1, held")
    assert "loss or gradient is not finite in epoch " in first
    assert last.startswith("error: 8 trainings failed, see above")
    assert "Traceback" not in err and "mean, unigram 0.2, cells 4" in out
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert [one["name"] for one in summary["conditions"]] == [
        "mean, unigram 0.2, cells 4"
    ]
    failed = {(one["seed"], one["fold"]) for one in summary["failed"]}
    assert failed == {(seed, f"s{fold}") for seed in (0, 1) for fold in range(4)}
    text = (tmp_path / "run" / "predictions.csv").read_text()
    assert text.count("\n") == 1 + 64 and name not in text
    assert (tmp_path / "run" / "report.html").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow")
def test_where_all_diverge_there_is_no_table_but_a_list(call, tmp_path, capsys):
    assert call("--noise=3e38") == 1
    err = capsys.readouterr().err
    assert "error: 8 trainings failed" in err and "Traceback" not in err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["conditions"], len(summary["failed"])) == ([], 8)


WRONG = {
    "--aggregator=vlad": "--aggregator=vlad: ",
    "--aggregator=netvlad(ghosts=1)": "no option 'ghosts'",
    "--alpha=1.5": "--alpha=1.5: expected a number from 0 to 1",
    "--seeds=-1": "--seeds=-1: expected a whole number of at least 1",
    "train": "unexpected 'train'",
}


@pytest.mark.parametrize("argv", WRONG)
def test_wrong_flags_are_answered_in_one_line(argv, capsys):
    assert launching.call("--corpus=demo", argv) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and WRONG[argv] in err


@pytest.mark.slow
def test_for_wrong_flags_jax_is_not_imported(tmp_path):
    program = (
        "import sys\n"
        "from launch.command_line import cli; from launch import main\n"
        "for argv in sys.argv[1:]:\n"
        "    given = ['--corpus=demo', argv]\n"
        "    print(cli.run(main.main, main.Settings, '', given))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *WRONG],
        cwd=launching.ROOT,
        env=launching.environment() | launching.without(tmp_path / "lib", "jax"),
        capture_output=True,
        text=True,
    )
    assert done.stdout == "2\n" * len(WRONG)
    for line, said in zip(done.stderr.splitlines(), WRONG.values(), strict=True):
        assert said in line


@pytest.mark.parametrize("dry_run", ["--dry_run", "--dry_run=false"])
@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--aggregator=netvlad(clusters=0)"], "clusters=0"),
        (
            ["--aggregator=multihead(heads=3)"],
            "heads=3: expected a divisor of 4: 1, 2, 4",
        ),
        (["--validation=partner"], "speaker s0 belongs to no single session"),
        (["--hold_out=session"], "32 utterances have no session"),
        (["--hold_out=split"], "hold_out=split"),
    ],
)
def test_what_the_corpus_does_not_allow_is_wrong_use_before_any_work(
    call, tmp_path, capsys, argv, said, dry_run
):
    file = launching.write_corpus(tmp_path / "bare", ("file", "speaker", "emotion"))
    assert call(f"--data_dir={file}", *argv, dry_run) == 2
    out, err = capsys.readouterr()
    assert not out and err.count("\n") == 1 and said in err
