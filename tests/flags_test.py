"""The flags of an experiment."""

import re
import shutil
from pathlib import Path

import pytest

from launch.command_line import cli, flagfiles, flags, grids
from vladser import condition
from vladser.condition import Condition


def parse(*argv):
    return cli.parse(flags.Settings, argv)


def test_defaults_are_the_papers(tmp_path):
    settings = parse("--corpus=iemocap", f"--data_dir={tmp_path}")
    classes = ("angry",), ("happy", "excited"), ("sad",), ("neutral",)
    assert settings.emotions == classes
    (paper,) = flags.conditions(settings)
    assert paper == Condition()
    parts = (
        "netvlad(clusters=4)",
        "lstm(cells=64,layers=1)",
        "adadelta(learning_rate=1.0,rho=0.95)",
    )
    assert tuple(map(str, (paper.aggregator, paper.encoder, paper.optimizer))) == parts
    assert str(paper.objective).startswith(
        "cross_entropy(smoothing='unigram',alpha=0.2,"
    )
    assert (paper.noise, paper.dropout) == (0.01, 0.5)
    assert (settings.seeds, paper.epochs, paper.batch_size) == (5, 50, 32)
    protocol = settings.hold_out, settings.validation, settings.standardize
    assert protocol == ("speaker", "none", "train")


def test_lists_of_speakers_are_a_split(tmp_path):
    names = tmp_path / "names"
    names.write_text('anna\n\n"Doe, J."\n ben  c\n', encoding="utf-8")
    settings = parse("--corpus=demo", f"--test_speakers=@{names}")
    assert settings.test_speakers == ("anna", "Doe, J.", "ben c")
    assert (settings.hold_out, settings.validation) == ("split", "none")
    both = "--test_speakers=a, b", "--validation_speakers=c"
    settings = parse("--corpus=demo", *both)
    assert (settings.test_speakers, settings.validation) == (("a", "b"), "split")


def test_paths_default_to_cache_corpus_and_flagfile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = parse("--corpus=demo", "--cache_dir=cache")
    assert settings.cache_dir == tmp_path / "cache"
    assert settings.data_dir == tmp_path / "cache" / "demo"
    assert settings.run_dir == Path("runs/demo")
    Path("mine.v2.flags").write_text("--corpus=demo")
    assert parse("--flagfile=mine.v2.flags").run_dir == Path("runs/mine.v2")
    assert parse("--corpus=demo", "--run_dir=~/x").run_dir == Path.home() / "x"


WRONG = {
    "": "--corpus is required: one of aesdd, audformat, casia,",
    "--corpus=iemocop": "unknown corpus .iemocop.: one of aesdd, audformat,",
    "--corpus=iemocap": "--data_dir is required",
    "--corpus=iemocap --data_dir=none": "--data_dir=none: no such file",
    "--data_dir=": "expected a path",
    "--aggregator=vlad": "vlad.*one of attentive_maximum, attentive_st",
    "--objective=cross_entropy(smoothing='x')": "expected one of none, uniform",
    "--alpha=1.5": "--alpha=1.5: expected a number from 0 to 1",
    "--seeds=2.5": "--seeds=2.5: expected a whole number of at least 1, got '2.5'",
    "--dry_run=yes": "true or false",
    "--ray=host": "--ray=host: expected HOST:PORT, auto or local",
    "--ray=host:0": "--ray=host:0: expected HOST:PORT, auto or local",
    "--features=mfcc": "--features=mfcc: features: expected one of ComParE",
    "--features=npy --corpus=manifest --test_corpus=demo": (
        "--features=npy goes with --test_corpus=manifest,"
    ),
}
# With the demo corpus.
DO_NOT_GO_TOGETHER = {
    "--validation=partner --hold_out=session": "partner goes with --hold_out=speaker",
    "--features=npy": "--features=npy goes with --corpus=manifest,.* not with demo",
    "--test_data_dir=x": "a --test_corpus: name that",
    "--test_corpus=tess": "--test_data_dir is required",
    "--test_corpus=demo --hold_out=session": "session does not go with --test_corpus",
    "--hold_out=none": "goes with --final_model",
    "--final_model --standardize=speaker": "--final_model needs --standardize=train",
    "--final_model --grid=noise=0,1,2": "is of one condition, got 3",
    "--final_model --test_corpus=demo": "expected no --test_corpus",
    "--final_model --hold_out=none --validation=partner": "goes with --hold_out=speak",
    "--validation=split": "--validation=split goes with --hold_out=split",
    "--test_corpus=demo --validation=split": "split goes with --hold_out=split",
    "--hold_out=speaker --test_speakers=a": "speaker does not go with --test_speakers",
    "--test_speakers=a --test_corpus=demo": "expected no --test_corpus",
    "--validation_speakers=a": "_speakers go with --test_speakers",
    "--validation_speakers=a --hold_out=split": "_speakers go with --test_speakers",
    "--test_speakers=a --validation=split": "needs --validation_speakers beside",
    "--test_speakers=a --validation_speakers=b --validation=none": "none does not go",
    "--test_speakers=a,b --validation_speakers=b": "name one person: expected others",
    "--test_speakers=a,a": "expected one name or more, and each once",
    "--test_speakers=,": "expected one name or more, and each once",
    "--test_speakers=@none.txt": "expected a file behind @: No such file",
}
SHELLS = ("$HOME/x", "${WORK}", "a/$JOB_ID", "/${A}/b", "~/$A")
WRONG |= {f"--run_dir={path}": r"only a shell replaces \$" for path in SHELLS}
WRONG |= {f"--corpus=demo {argv}": said for argv, said in DO_NOT_GO_TOGETHER.items()}


@pytest.mark.fault("flags")
@pytest.mark.parametrize("argv", WRONG)
def test_wrong_values_are_refused(argv):
    with pytest.raises(cli.UsageError, match=WRONG[argv]) as caught:
        parse(*argv.split())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "argv",
    [
        "--aggregator=mean --smoothing=none --alpha=0.30000000000000004",
        "--aggregator=my.pooling(a=1,b='x,y',c=(1,2)) --emotions=sad+calm,angry",
        "--encoder=gru --cells=8 --head=dense(units=3) --optimizer=adam(b1=0.5)",
        "--objective=cross_entropy(alpha=0.3) --focal=2 --class_weights=1",
        "--noise=1e-7 --rho=0 --max_seconds=1.5 --on_bad_audio=skip",
        "--validation=partner --standardize=speaker --workers=7 --cells=8",
        "--trials_at_once=7 --test_corpus=demo --features=eGeMAPSv02",
        "--test_speakers=s1,s2 --validation_speakers=é",
        '--test_speakers="Doe,J.","@b" --validation_speakers="@c"',
        "--hold_out=split --validation=split",
        "--grid=alpha=0.1,0.2;aggregator=mean,netvlad --grid=noise=0;cells=2,3",
        "--grid=encoder=lstm,none,bilstm;dropout=0,0.5 --cells=7",
        "--grid=optimizer=adam,sgd(momentum=0.9);learning_rate=0.1,1 --encoder=gru",
        "--grid=features=vladser147,eGeMAPSv02;epochs=1,2 --batch_size=7",
        "--grid=objective=cross_entropy,my.loss(margin=2) --smoothing=none",
    ],
)
def test_flags_text_repeats_the_run_from_anywhere(argv, tmp_path, monkeypatch):
    data = tmp_path / 'all "my" data, é'
    data.mkdir()
    monkeypatch.chdir(tmp_path)
    here = f"--data_dir={data.name}", "--cache_dir=a 'cache'", "--run_dir=r"
    settings = parse("--corpus=iemocap", *here, *argv.split())
    file = tmp_path / "flags.txt"
    file.write_text(flags.text(settings), encoding="utf-8")
    monkeypatch.chdir(data)
    again = parse(f"--flagfile={file}", "--run_dir=r")
    assert again == settings
    assert flags.conditions(again) == flags.conditions(settings)
    assert "run_dir" not in file.read_text(encoding="utf-8")


def test_a_run_is_what_is_trained_not_where_things_are(tmp_path):
    alone, among = parse("--corpus=demo"), parse("--corpus=demo", "--ray=[::1]:1234")
    assert among.ray == "[::1]:1234"
    assert flags.text(among) == flags.text(alone)
    here = f"--cache_dir={tmp_path}", "--workers=9", "--trials_at_once=4"
    assert flags.agreed(parse("--corpus=demo", *here)) == flags.agreed(alone)
    other = parse("--corpus=demo", "--alpha=0.3")
    assert flags.agreed(other) != flags.agreed(alone)
    grids = "--grid=alpha=0.1", "--grid=alpha=0.2"  # the order is that of conditions
    one, other = (parse("--corpus=demo", *of) for of in (grids, grids[::-1]))
    assert flags.agreed(one) != flags.agreed(other)


@pytest.mark.parametrize("file", flagfiles.shipped(), ids=lambda file: file.name)
def test_shipped_flagfiles_parse_and_show_their_command(file, tmp_path):
    settings = parse(f"--flagfile={file}", "--corpus=emodb", f"--data_dir={tmp_path}")
    assert settings.run_dir == Path("runs", file.stem)
    text = file.read_text(encoding="utf-8")
    assert f"python -m launch.main --flagfile=launch/flagfiles/{file.name}" in text


def test_help_is_grouped_and_says_what_every_flag_is(capsys):
    assert cli.run(pytest.fail, flags.Settings, "Trains.", ["--help"]) == 0
    out = capsys.readouterr().out
    groups = ["Data", "Condition", "Training", "Protocol", "Machines", "Output"]
    assert re.findall(r"^(\w+):$", out, re.MULTILINE) == [*groups, "General"]
    entries = dict(re.findall(r"^  --(\w+) +(\S.*)", out, re.MULTILINE))
    fields = {*vars(parse("--corpus=demo"))} - {"condition"}
    assert {*entries} >= {*condition.setting_names()} | fields
    words = " ".join(out.split())
    assert "(default: netvlad(clusters=4))" in words
    assert "(default: 64 for bilstm, gru, lstm)" in words
    assert "0.001 for adam, rmsprop; 0.01 for sgd)" in words


def test_a_line_of_options_gives_an_option_a_flag(monkeypatch):
    monkeypatch.setitem(condition.OPTIONS, "momentum", "optimizer")
    flag = grids.flags()["momentum"]
    assert (
        "plain gradient descent" in flag.text and "(default: 0.0 for sgd)" in flag.text
    )
    with pytest.raises(ValueError, match="at least 0 and below 1, got 1"):
        flag.parse("1")
    grid = grids.grid("optimizer=sgd; momentum=0,0.9")
    by_flag = [str(c.optimizer) for c in grids.conditions([grid], {})]
    sgd = "sgd(learning_rate=0.01,momentum={})"
    assert by_flag == [sgd.format("0.0"), sgd.format("0.9")]


@pytest.mark.fault("places")
@pytest.mark.parametrize("folder", [".", "..", "./", "../..", "x/.."])
def test_folders_of_dots_have_names_unless_removed(tmp_path, monkeypatch, folder):
    (tmp_path / "a" / "b" / "x").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    argv = "--corpus=demo", f"--run_dir={folder}", f"--cache_dir={tmp_path}"
    run_dir = parse(*argv).run_dir
    assert run_dir.name in ("a", "b", tmp_path.name) and run_dir.samefile(folder)
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(cli.UsageError, match=r"^the working directory: No such file"):
        parse(*argv)
